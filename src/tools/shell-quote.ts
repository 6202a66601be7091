/**
 * Writes an argument list as one line that a POSIX shell, and fish, read back as the same list. The line is what
 * clients show and compare, so the choice of quotes is the protocol's: bare where possible, then single, then double.
 */

/** Which of the three forms still fit, as bits. */
const bare = 1;
const single = 2;
const double = 4;

/** The arguments as one line. */
export function quoteArguments(words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}

function quoteWord(word: string): string {
  if (word === "") return "''";
  let line = "";
  let rest = Array.from(word);
  while (rest.length > 0) {
    const { length, forms } = longestRun(rest);
    line += quoteRun(rest.slice(0, length).join(""), forms);
    rest = rest.slice(length);
  }
  return line;
}

/** The longest run from the start that one form can hold. */
function longestRun(characters: readonly string[]): { length: number; forms: number } {
  // bash mishandles a caret anywhere in single quotes but at their start
  let length = characters[0] === "^" ? 1 : 0;
  let forms = length === 1 ? single : bare | single | double;
  for (; length < characters.length; length++) {
    const left = forms & formsFor(characters[length] ?? "");
    if (left === 0) break;
    forms = left;
  }
  return { length, forms };
}

function formsFor(character: string): number {
  switch (character) {
    case "'":
    case "\\":
      return double;
    case "$":
    case "`":
    case "!":
      return single;
    case "^":
      return 0;
    default:
      return /[\w+\-./:@\]]/.test(character) ? bare | single | double : single | double;
  }
}

function quoteRun(run: string, forms: number): string {
  if (forms & bare) return run;
  if (forms & single) return `'${run}'`;
  return `"${run.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
