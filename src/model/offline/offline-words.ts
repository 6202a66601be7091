/** What the offline agent says. Every answer makes plain that no language model is at work. */
import { unreachable } from "../../util/unreachable.ts";
import type { CallResult } from "./offline-conversation.ts";
import type { OfflineStep } from "./offline-plan.ts";

export const OFFLINE_MODEL = "offline";
export const OFFLINE_NAME = "Offline agent (built in)";

const ABILITIES = [
  "- run a command: run `git --version`",
  "- show a file: show README.md",
  "- list files: list the files in src",
  '- write a file: write "hello" to notes.txt',
  '- change a line: replace "old line" with "new line" in notes.txt',
].join("\n");

export const HELP_TEXT =
  "I am Farhelm's offline agent: a small script that is built in, not a language model. " +
  "I answer when no model is configured, and I use the real tools, approvals and history.\n\n" +
  `I understand a few plain requests, also two in one message joined by "and":\n\n${ABILITIES}\n\n` +
  "To work with a real model, set OPENAI_API_KEY or choose a model_provider in config.toml, then start the host again.";

export const UNCLEAR_TEXT =
  `I did not understand that. I am the built-in offline agent, not a language model, and know only these requests:\n\n${ABILITIES}\n\n` +
  "For anything else, set OPENAI_API_KEY or choose a model_provider in config.toml.";

export const NO_TOOLS_TEXT =
  "I am the built-in offline agent. This thread offers me no tool for that request, so I can do nothing here.";

/** Said before a step's tool call. */
export function announcement(step: OfflineStep): string {
  switch (step.kind) {
    case "run":
      return `I will run ${inline(step.command)}.`;
    case "show":
      return `I will show ${inline(step.file)}.`;
    case "list":
      return `I will list the files in ${inline(step.folder)}.`;
    case "write":
      return `I will write ${inline(step.file)}.`;
    case "replace":
      return `I will change a line in ${inline(step.file)}.`;
    default:
      return unreachable(step);
  }
}

/** The reason that an approval shows. */
export function justification(step: OfflineStep): string {
  const what = step.kind === "run" ? "run this command" : "read this for you";
  return `You asked the offline agent to ${what}. Allow it?`;
}

/** Said when all steps are through, or one was refused. */
export function summary(
  steps: readonly OfflineStep[],
  results: readonly CallResult[],
  refused: boolean,
): string {
  const parts = results.map((result, index) => resultText(steps[index], result));
  const left = steps.length - results.length;
  if (refused && left > 0)
    parts.push(`I stopped there and left out ${left} further step${left === 1 ? "" : "s"}.`);
  return parts.join("\n\n");
}

function resultText(step: OfflineStep | undefined, { output }: CallResult): string {
  const { exitCode, body } = outcomeOf(output);
  const what = step === undefined ? "The call" : subject(step);
  if (step?.kind === "write" || step?.kind === "replace") {
    if (exitCode === 0 || /^Success/m.test(body)) return `${what} is written.`;
    return `${what} was not written: ${firstLines(body, 2)}`;
  }
  if (exitCode === undefined) return `${what} did not finish: ${firstLines(body, 2)}`;
  const text = firstLines(body, 20);
  const head = `${what} ended with exit code ${exitCode}`;
  return text === "" ? `${head} and printed nothing.` : `${head}:\n\n${fenced(text)}`;
}

function subject(step: OfflineStep): string {
  switch (step.kind) {
    case "run":
      return inline(step.command);
    case "list":
      return `Listing ${inline(step.folder)}`;
    case "show":
      return `Showing ${inline(step.file)}`;
    case "write":
    case "replace":
      return inline(step.file);
    default:
      return unreachable(step);
  }
}

/** Whether a tool's answer says that a person did not allow it. */
export const wasRefused = (output: string): boolean =>
  outcomeOf(output).exitCode === undefined &&
  /\b(?:reject|declin|denied|refus|not allowed|not approved|abort)/i.test(output);

/** Tools report "exit code N" in a line of its own, and what was printed after "Output:". */
function outcomeOf(output: string): { exitCode: number | undefined; body: string } {
  const code = /^(?:Process exited with code|Exit code:)\s*(-?\d+)\s*$/im.exec(output)?.[1];
  const mark = /^Output:\n?/m.exec(output);
  const body = mark === null ? output : output.slice(mark.index + mark[0].length);
  return { exitCode: code === undefined ? undefined : Number(code), body: body.trim() };
}

function firstLines(text: string, maxLines: number): string {
  const lines = text.split("\n");
  if (lines.length <= maxLines) return text;
  return `${lines.slice(0, maxLines).join("\n")}\n… (${lines.length - maxLines} more lines)`;
}

/** Longer than any run of backticks inside (CommonMark, sections 4.5 and 6.1). */
const ticksFor = (text: string, least: number): string =>
  "`".repeat(Math.max(least, ...(text.match(/`+/g) ?? []).map((ticks) => ticks.length + 1)));

function inline(text: string): string {
  const ticks = ticksFor(text, 1);
  const pad = ticks.length > 1 ? " " : "";
  return `${ticks}${pad}${text}${pad}${ticks}`;
}

function fenced(text: string): string {
  const ticks = ticksFor(text, 3);
  return `${ticks}\n${text}\n${ticks}`;
}
