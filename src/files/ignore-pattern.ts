/** One line of a .gitignore (gitignore(5)), as a test for paths. */

export interface IgnorePattern {
  /** Takes back what an earlier line ignored. */
  readonly isNegated: boolean;
  readonly foldersOnly: boolean;
  /** `path` is relative to the file's folder, `name` is its last part. */
  matches(path: string, name: string): boolean;
}

/** Undefined: a comment, an empty line, or a pattern that can match nothing. */
export function ignorePattern(line: string): IgnorePattern | undefined {
  let text = withoutTrailingSpaces(line.replace(/\r$/, ""));
  if (text === "" || text.startsWith("#")) return undefined;
  const isNegated = text.startsWith("!");
  if (isNegated) text = text.slice(1);
  const foldersOnly = text.endsWith("/");
  if (foldersOnly) text = text.slice(0, -1);
  const isAnchored = text.includes("/");
  if (text.startsWith("/")) text = text.slice(1);
  if (text === "") return undefined;
  const matches = isAnchored ? pathTest(text) : nameTest(text);
  return matches && { isNegated, foldersOnly, matches };
}

/** A space that is escaped stays. */
function withoutTrailingSpaces(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === " " && line[end - 2] !== "\\") end -= 1;
  return line.slice(0, end);
}

type Test = IgnorePattern["matches"];

/** Most patterns are a name or an ending: those need no regular expression. */
function nameTest(text: string): Test | undefined {
  if (!/[*?[\\]/.test(text)) return (_path, name) => name === text;
  const ending = /^\*([^*?[\\]+)$/.exec(text)?.[1];
  if (ending !== undefined) return (_path, name) => name.endsWith(ending);
  const form = expression(text);
  return form && ((_path, name) => form.test(name));
}

function pathTest(text: string): Test | undefined {
  if (!/[*?[\\]/.test(text)) return (path) => path === text;
  const form = expression(text);
  return form && ((path) => form.test(path));
}

/** Undefined where the pattern makes no sense, as one with an open bracket. */
function expression(glob: string): RegExp | undefined {
  let source = "";
  let rest = glob;
  while (rest !== "") {
    const part = pieces.find(({ form }) => form.test(rest));
    const found = part?.form.exec(rest);
    if (!part || !found) return undefined;
    source += part.source(found[0], source === "");
    rest = rest.slice(found[0].length);
  }
  try {
    return new RegExp(`^(?:${source})$`, "su");
  } catch {
    return undefined;
  }
}

interface Piece {
  readonly form: RegExp;
  source(found: string, isFirst: boolean): string;
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

/** In the order in which they are tried. */
const pieces: readonly Piece[] = [
  { form: /^\/\*\*$/, source: () => "/.+" },
  { form: /^\/\*\*(?=\/)/, source: () => "(?:/.+)?" },
  { form: /^\*\*\//, source: (_found, isFirst) => (isFirst ? "(?:.+/)?" : "[^/]*/") },
  { form: /^\*+/, source: () => "[^/]*" },
  { form: /^\?/, source: () => "[^/]" },
  { form: /^\[[!^]?\]?(?:\[:\w+:\]|\\.|[^\]\\])*\]/u, source: (found) => bracket(found) },
  { form: /^\\./su, source: (found) => escaped(found.slice(1)) },
  { form: /^[^\\[]/su, source: (found) => escaped(found) },
];

const namedClasses: Readonly<Record<string, string>> = {
  alnum: "\\p{L}\\p{Nd}",
  alpha: "\\p{L}",
  digit: "0-9",
  lower: "\\p{Ll}",
  upper: "\\p{Lu}",
  space: "\\s",
  punct: "!-\\/:-@\\[-`\\{-~",
  xdigit: "0-9A-Fa-f",
};

/** `[a-z]`, `[!a]`, `[[:digit:]]`; never a separator. */
function bracket(found: string): string {
  const isNegated = /^\[[!^]/.test(found);
  const inner = found
    .slice(isNegated ? 2 : 1, -1)
    .replaceAll(/\[:(\w+):\]|\\?(.)/gsu, (all: string, name?: string, sign = "") => {
      if (name !== undefined) return namedClasses[name] ?? "";
      return all === "-" ? "-" : escaped(sign);
    });
  return isNegated ? `[^/${inner}]` : `(?!/)[${inner}]`;
}
