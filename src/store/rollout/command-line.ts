/**
 * A command's words as one line for people, and back. The quoting is the stock server's, so that
 * a line reads the same whichever program wrote the history.
 */
const UNQUOTED = 1;
const SINGLE = 2;
const DOUBLE = 4;
const plain = /[-+./:@\]_0-9A-Za-z]/;
const notInSingle = new Set(["'", "^", "\\"]);
const notInDouble = new Set(["`", "$", "!", "^"]);

/** The longest start of `text` that one kind of quoting can hold. */
function nextChunk(text: string): { readonly length: number; readonly quoting: number } {
  let allowed = text.startsWith("^") ? SINGLE : UNQUOTED | SINGLE | DOUBLE;
  let length = text.startsWith("^") ? 1 : 0;
  for (; length < text.length; length += 1) {
    const char = text.charAt(length);
    let still = allowed;
    if (!plain.test(char)) still &= ~UNQUOTED;
    if (notInSingle.has(char)) still &= ~SINGLE;
    if (notInDouble.has(char)) still &= ~DOUBLE;
    if (still === 0) break;
    allowed = still;
  }
  return { length, quoting: allowed };
}

function quoteWord(word: string): string {
  if (word === "") return "''";
  let rest = word;
  let quoted = "";
  while (rest !== "") {
    const { length, quoting } = nextChunk(rest);
    const chunk = rest.slice(0, length);
    if (quoting & UNQUOTED) quoted += chunk;
    else if (quoting & SINGLE) quoted += `'${chunk}'`;
    else quoted += `"${chunk.replaceAll(/["\\]/g, (char) => `\\${char}`)}"`;
    rest = rest.slice(length);
  }
  return quoted;
}

export const joinCommand = (words: readonly string[]): string => words.map(quoteWord).join(" ");

const wordPart =
  /'(?<single>[^']*)'|"(?<double>(?:[^"\\]|\\[\s\S])*)"|\\(?<escaped>[\s\S])|(?<bare>[^\s'"\\]+)|(?<space>\s+)/y;

/** The words of a line as a POSIX shell splits them; undefined where quotes do not close. */
export function splitCommand(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let at = 0;
  while (at < line.length) {
    wordPart.lastIndex = at;
    const groups = wordPart.exec(line)?.groups;
    if (groups === undefined) return undefined;
    at = wordPart.lastIndex;
    if (groups["space"] !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      const inDouble = groups["double"]?.replaceAll(/\\(["\\$`\n])/g, "$1");
      word =
        (word ?? "") + (groups["single"] ?? inDouble ?? groups["escaped"] ?? groups["bare"] ?? "");
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}
