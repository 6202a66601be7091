/** Members that choose what is neither model, folder nor permission. */
import { z } from "zod";
import { ReasoningEffort } from "../protocol/settings.ts";
import type { TurnChoices } from "../protocol/turn-choices.ts";

/** Chosen a style once; it has no effect any more. */
export const Personality = z.enum(["none", "friendly", "pragmatic"]);

/** How the agent works with a person; the later names are older ones of `default`. Its settings count more than the plain members. */
export const CollaborationMode = z.looseObject({
  mode: z.enum(["plan", "default", "custom", "execute", "pair_programming", "code"]),
  settings: z.looseObject({
    model: z.string(),
    /** Null and left out: the model's own. */
    reasoning_effort: ReasoningEffort.nullish(),
    /** Null and left out: what this host tells the model of the mode. */
    developer_instructions: z.string().nullish(),
  }),
});

interface ChoiceParams {
  readonly serviceTier?: string | null | undefined;
  readonly personality?: z.output<typeof Personality> | null | undefined;
  readonly disabledPluginIds?: readonly string[] | null | undefined;
  readonly collaborationMode?: z.output<typeof CollaborationMode> | null | undefined;
}

/** What a caller chooses; undefined: nothing. A tier of null is the standard one. */
export function choicesOf(params: ChoiceParams): Partial<TurnChoices> | undefined {
  const { serviceTier, personality, disabledPluginIds, collaborationMode } = params;
  const choices: Partial<TurnChoices> = {
    ...(serviceTier === undefined ? {} : { serviceTier: tierOf(serviceTier) }),
    ...(personality ? { personality } : {}),
    ...(disabledPluginIds ? { disabledPluginIds } : {}),
    ...(collaborationMode
      ? {
          mode: collaborationMode.mode === "plan" ? ("plan" as const) : ("default" as const),
          modeInstructions: collaborationMode.settings.developer_instructions ?? null,
        }
      : {}),
  };
  return Object.keys(choices).length > 0 ? choices : undefined;
}

function tierOf(asked: string | null): string {
  if (asked === null) return "default";
  return asked === "fast" ? "priority" : asked;
}
