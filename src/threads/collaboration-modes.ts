/** The ways in which the agent works with a person, and what the model is told of them. */
import type { ModelItem } from "../protocol/model-item.ts";
import type { TurnChoices } from "../protocol/turn-choices.ts";
import { toldOnce } from "./told-once.ts";

/** Where a client says nothing of its own. */
const presets: Readonly<Record<TurnChoices["mode"], string>> = {
  plan: `# Plan mode

You and the person make a plan; nothing is carried out yet.

- Look around as much as you need: read files, search, run commands that only read. Change no file and nothing else that lasts.
- Find out what is wanted before you decide how. Ask about what you cannot find out and what would change the plan; one short question at a time.
- When nothing important is open, write the whole plan down: what changes where, in which order, how it is checked, and what is left out. Somebody who was not here must be able to carry it out.
- If the person asks for the work itself, say that this is plan mode and offer to finish the plan.`,
  default: `# Default mode

Carry out what the person asks for. What was said about other modes, such as plan mode, holds no longer. Where something small is open, choose what is most likely meant, say so, and go on.`,
};

/** The choices after a caller's wishes; a mode without words of its own gets those of this host. */
export function withChoices(
  before: TurnChoices,
  { modeInstructions, ...wishes }: Partial<TurnChoices>,
): TurnChoices {
  const after = { ...before, ...wishes };
  return wishes.mode === undefined
    ? after
    : { ...after, modeInstructions: modeInstructions ?? presets[wishes.mode] };
}

/** What the model is to be told of the mode, unless `history` says it already. */
export function modeNews(
  choices: TurnChoices | undefined,
  history: readonly ModelItem[] = [],
): readonly ModelItem[] {
  const words = choices?.modeInstructions;
  return words === undefined || words === null
    ? []
    : toldOnce("collaboration_mode", words, history);
}
