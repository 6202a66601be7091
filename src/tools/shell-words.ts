/** Splits plain shell text. Whatever a shell would expand, redirect or run in another way is not plain. */

/** Between two commands of a list. */
export type Connector = "&&" | "||" | ";" | "|";

export interface PlainCommand {
  readonly words: readonly string[];
  /** What stands before it; undefined: the first one. */
  readonly after: Connector | undefined;
}

type Token = { readonly word: string } | { readonly connector: Connector };

const connector = /^(?:&&|\|\||;|\|(?!&))/;
const blank = /^[ \t]+/;
/** A piece of a word: bare characters without meaning to a shell, or quoted text without expansions. */
const piece = /^(?:([\w@%+=:,./^\]\-\u0080-\uffff]+)|'([^']*)'|"([^"$`\\!]*)")/;

/** The commands of a list, or undefined if the text holds more than plain words and connectors. */
export function plainCommands(text: string): readonly PlainCommand[] | undefined {
  const tokens = tokenize(text.trim());
  if (!tokens) return undefined;
  const commands: PlainCommand[] = [];
  let words: string[] = [];
  let after: Connector | undefined;
  for (const token of tokens) {
    if ("word" in token) {
      words.push(token.word);
      continue;
    }
    if (words.length === 0) return undefined;
    commands.push({ words, after });
    words = [];
    after = token.connector;
  }
  if (words.length > 0) return [...commands, { words, after }];
  return after === ";" ? commands : undefined;
}

function tokenize(text: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  let rest = text;
  while (rest !== "") {
    const gap = blank.exec(rest)?.[0] ?? connector.exec(rest)?.[0];
    if (gap !== undefined) {
      const found = asConnector(gap);
      if (found) tokens.push({ connector: found });
      rest = rest.slice(gap.length);
      continue;
    }
    const word = leadingWord(rest);
    if (!word) return undefined;
    tokens.push({ word: word.value });
    rest = rest.slice(word.length);
  }
  return tokens;
}

function asConnector(text: string): Connector | undefined {
  return text === "&&" || text === "||" || text === ";" || text === "|" ? text : undefined;
}

/** The word that `text` begins with, unquoted, and how many characters it takes. */
export function leadingWord(text: string): { value: string; length: number } | undefined {
  let value = "";
  let length = 0;
  for (;;) {
    const match = piece.exec(text.slice(length));
    if (!match) return length > 0 ? { value, length } : undefined;
    value += match[1] ?? match[2] ?? match[3] ?? "";
    length += match[0].length;
  }
}
