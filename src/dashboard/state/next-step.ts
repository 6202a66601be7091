/** A sentence in which commands stand between backticks, as parts to show. */
export interface StepPart {
  readonly kind: "text" | "command";
  readonly text: string;
}

export const stepParts = (sentence: string): StepPart[] =>
  sentence
    .split("`")
    .map((text, index): StepPart => ({ kind: index % 2 === 1 ? "command" : "text", text }))
    .filter(({ text }) => text !== "");

export const commandsOf = (sentence: string): string[] =>
  stepParts(sentence)
    .filter(({ kind }) => kind === "command")
    .map(({ text }) => text);
