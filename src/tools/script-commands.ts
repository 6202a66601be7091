/** From a script's syntax tree to its commands. The tree is not believed: each word and each gap must be what a shell cannot take otherwise. */
import type { Node } from "web-tree-sitter";

/** A program and its arguments. */
export type Words = readonly string[];

/** Bare text that no shell expands, splits or takes for anything but itself, wherever it stands in a word. */
const bare = /^[\w@%+:,./\-\p{L}\p{N}=]+$/u;
/** Where it begins like this, it may hold what zsh can be told to take for a pattern: what that finds begins so, too, and is no option. */
const pattern = /^[\w./][\w@%+:,./\-\p{L}\p{N}=~^]*$/u;
/** zsh looks for a program of the name that follows. */
const expanding = /^=/;
/** Alone in a word; `find` takes them. */
const escaped = /^\\([();!])$/;
const singleQuoted = /^'[^']*'$/;
/** A backslash before anything else than these stands for itself. */
const doubleQuoted = /^"(?:[^"$`\\]|\\[^"$`\\\n])*"$/;
/** Nothing that a terminal or a shell could take for an end of line, or that nobody sees. */
const unseen = /[^\P{C}\t\n]|[\u2028\u2029]/u;

const blank = /^[ \t]+$/;
const around = /^[ \t\n]*$/;
const afterLast = /^[ \t]*;?[ \t\n]*$/;
const between: Readonly<Record<string, RegExp>> = {
  program: /^[ \t]*[;\n][ \t\n]*$/,
  list: /^[ \t]*(?:&&|\|\|)[ \t\n]*$/,
  pipeline: /^[ \t]*\|[ \t\n]*$/,
};

/** The commands in their order, if `root` is a list of plain ones; undefined: it is, or may be, more than that. */
export function plainCommands(root: Node, script: string): readonly Words[] | undefined {
  if (root.type !== "program" || unseen.test(script)) return undefined;
  const [first, last] = [root.firstNamedChild, root.lastNamedChild];
  if (!first || !last) return undefined;
  const outer = around.test(script.slice(0, first.startIndex));
  if (!outer || !afterLast.test(script.slice(last.endIndex))) return undefined;
  return plainIn(root, script);
}

function plainIn(node: Node, script: string): readonly Words[] | undefined {
  if (node.type === "command") {
    const words = plainWords(node, script);
    return words && [words];
  }
  const gap = between[node.type];
  const parts = gap && piecesOf(node, script, gap);
  return parts && allOf(parts, (part) => plainIn(part, script))?.flat();
}

function plainWords(command: Node, script: string): Words | undefined {
  const parts = spans(command.namedChildren, command)
    ? piecesOf(command, script, blank)
    : undefined;
  return parts && allOf(parts, (part) => plainWord(part, script));
}

function plainWord(node: Node, script: string): string | undefined {
  const text = textOf(node, script);
  switch (node.type) {
    // whoever quotes a program's name may want to hide it
    case "command_name":
      return bare.test(text) && !expanding.test(text) ? text : undefined;
    case "concatenation": {
      const parts = spans(node.namedChildren, node) ? piecesOf(node, script, /^$/) : undefined;
      return parts && allOf(parts, (part) => plainPiece(part, script))?.join("");
    }
    case "word":
      return pattern.test(text) ? text : (escaped.exec(text)?.[1] ?? plainPiece(node, script));
    default:
      return plainPiece(node, script);
  }
}

function plainPiece(node: Node, script: string): string | undefined {
  const text = textOf(node, script);
  switch (node.type) {
    case "word":
    case "number":
      return bare.test(text) && !expanding.test(text) ? text : undefined;
    case "raw_string":
      return singleQuoted.test(text) ? text.slice(1, -1) : undefined;
    case "string":
      return doubleQuoted.test(text) ? text.slice(1, -1) : undefined;
    default:
      return undefined;
  }
}

/** The named children, if there are any and nothing but `gap` is between them. */
function piecesOf(node: Node, script: string, gap: RegExp): readonly Node[] | undefined {
  const parts = node.namedChildren;
  const fits = parts.every((part, at) => {
    const before = parts[at - 1];
    return !before || gap.test(script.slice(before.endIndex, part.startIndex));
  });
  return fits && parts.length > 0 ? parts : undefined;
}

/** Whether the parts begin and end where the whole does. */
const spans = (parts: readonly Node[], whole: Node): boolean =>
  parts[0]?.startIndex === whole.startIndex && parts.at(-1)?.endIndex === whole.endIndex;

const textOf = (node: Node, script: string): string => script.slice(node.startIndex, node.endIndex);

function allOf<In, Out>(
  parts: readonly In[],
  read: (part: In) => Out | undefined,
): readonly Out[] | undefined {
  const results: Out[] = [];
  for (const part of parts) {
    const result = read(part);
    if (result === undefined) return undefined;
    results.push(result);
  }
  return results;
}

/** Every command in the tree, however deep, with its words as far as they are literal. Undefined: it took too long. */
export function commandsIn(root: Node, isLate: () => boolean): readonly Words[] | undefined {
  const found: Words[] = [];
  const waiting: Node[] = [root];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (isLate()) return undefined;
    if (node.type === "command") {
      const words = node.namedChildren.filter(({ type }) => type !== "variable_assignment");
      found.push(words.map(literalText));
    }
    waiting.push(...node.namedChildren.toReversed());
  }
  return found;
}

/** What a shell makes of a word without expanding anything. */
function literalText(node: Node): string {
  switch (node.type) {
    case "raw_string":
      return node.text.slice(1, -1);
    case "string":
      return node.text.slice(1, -1).replaceAll(/\\([$`"\\\n])/g, "$1");
    case "word":
      return node.text.replaceAll(/\\\n/g, "").replaceAll(/\\(.)/gs, "$1");
    case "command_name":
    case "concatenation":
      return node.namedChildren.map(literalText).join("");
    default:
      return node.text;
  }
}
