/** Recognises a shell command that is nothing but a patch. It is applied as one and never reaches a shell. */
import { leadingWord } from "./shell-words.ts";

export interface PatchInvocation {
  /** Where the patch starts from, relative to the command's own folder. */
  readonly folder: string;
  readonly text: string;
}

const program = /^apply_?patch[ \t]*/;
const hereDocument = /^<<-?[ \t]*(?:'([\w-]+)'|"([\w-]+)"|\\?([\w-]+))[ \t]*\r?\n/;

/**
 * `apply_patch <<'EOF' …`, `apply_patch '*** Begin Patch…'`, or either after `cd FOLDER &&`. Undefined: the command
 * does other things too, or not this.
 */
export function patchInvocation(command: string): PatchInvocation | undefined {
  let rest = command.trim();
  let folder = ".";
  if (/^cd[ \t]/.test(rest)) {
    rest = rest.slice(2).trimStart();
    const word = leadingWord(rest);
    const and = word && /^[ \t]*&&\s*/.exec(rest.slice(word.length));
    if (!word || !and || word.value.startsWith("-")) return undefined;
    folder = word.value;
    rest = rest.slice(word.length + and[0].length);
  }
  const name = program.exec(rest)?.[0];
  if (name === undefined) return undefined;
  rest = rest.slice(name.length);
  const text = hereText(rest) ?? argumentText(name, rest);
  return text === undefined ? undefined : { folder, text };
}

function hereText(rest: string): string | undefined {
  const opening = hereDocument.exec(rest);
  if (!opening) return undefined;
  const word = opening[1] ?? opening[2] ?? opening[3] ?? "";
  const lines = rest.slice(opening[0].length).split(/\r?\n/);
  const end = lines.findIndex((line) => line.trim() === word);
  return end === lines.length - 1 ? lines.slice(0, end).join("\n") : undefined;
}

function argumentText(name: string, rest: string): string | undefined {
  const word = /\s$/.test(name) ? leadingWord(rest) : undefined;
  if (!word || rest.slice(word.length).trim() !== "") return undefined;
  return word.value.trimStart().startsWith("*** Begin Patch") ? word.value : undefined;
}
