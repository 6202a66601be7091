/** A text with everything in it that a page would not show, or would show in another order, as a mark. */

export type VisiblePart =
  | { readonly kind: "text"; readonly text: string }
  /** `label` is shown; `name` says what it is, for those who hear or ask. */
  | { readonly kind: "mark"; readonly label: string; readonly name: string };

// Controls, formats (bidirectional, zero width), private and unassigned characters, lone surrogates, line and paragraph
// separators, spaces other than the plain one, and letters that are drawn as nothing. A line feed breaks the line and a
// tab moves on: both can be seen.
const unseen =
  /(?![\n\t])(?:[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs})/gu;

const names: Readonly<Record<string, string>> = {
  "\0": "null",
  "\b": "backspace",
  "\r": "carriage return",
  "\u001b": "escape",
  "\u007f": "delete",
  "\u00a0": "no-break space",
  "\u00ad": "soft hyphen",
  "\u200b": "zero-width space",
  "\u200c": "zero-width non-joiner",
  "\u200d": "zero-width joiner",
  "\u200e": "left-to-right mark",
  "\u200f": "right-to-left mark",
  "\u202a": "left-to-right embedding",
  "\u202b": "right-to-left embedding",
  "\u202c": "end of embedding",
  "\u202d": "left-to-right override",
  "\u202e": "right-to-left override",
  "\u2028": "line separator",
  "\u2029": "paragraph separator",
  "\u2060": "word joiner",
  "\u2066": "left-to-right isolate",
  "\u2067": "right-to-left isolate",
  "\u2068": "first strong isolate",
  "\u2069": "end of isolate",
  "\u3000": "wide space",
  "\ufeff": "zero-width no-break space",
};

export function visibleParts(text: string): readonly VisiblePart[] {
  const parts: VisiblePart[] = [];
  let end = 0;
  for (const { 0: character, index } of text.matchAll(unseen)) {
    if (index > end) parts.push({ kind: "text", text: text.slice(end, index) });
    parts.push(markOf(character));
    end = index + character.length;
  }
  if (end < text.length) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}

function markOf(character: string): VisiblePart {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  const label = `U+${code}`;
  return { kind: "mark", label, name: names[character] ?? `invisible character ${label}` };
}

/** What is shown of a long text until all of it is asked for. */
const first = { lines: 14, characters: 1_600 };

/** The beginning of the text, and how much there is in all where that is not everything. */
export function beginningOf(text: string): {
  readonly shown: string;
  readonly whole: { readonly lines: number; readonly characters: number } | undefined;
} {
  const lines = text.split("\n");
  const start = lines.slice(0, first.lines).join("\n").slice(0, first.characters);
  // half a character would show as a mark that is not there
  const shown = start.length < text.length ? start.replace(/[\uD800-\uDBFF]$/, "") : start;
  if (shown.length === text.length) return { shown, whole: undefined };
  return { shown, whole: { lines: lines.length, characters: text.length } };
}
