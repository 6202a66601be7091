/** Where a value stands in a TOML text, for error messages. Good for what people write; never wrong about the line by more than a multi-line string. */
import { splitDottedKey } from "./dotted-key.ts";

export interface TextPosition {
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
}

/** The position of the value at `path`, else of the table header that names it, else undefined. */
export function valuePosition(text: string, path: readonly string[]): TextPosition | undefined {
  let table: readonly string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const header = /^\s*\[{1,2}([^\]]+)\]/.exec(line);
    if (header !== null) {
      table = splitDottedKey(header[1] ?? "") ?? [];
      if (startsWith(table, path)) return { line: index + 1, column: line.indexOf("[") + 2 };
      continue;
    }
    const entry = /^(\s*([^=#]+?)\s*=\s*)/.exec(line);
    const key = entry === null ? undefined : splitDottedKey(entry[2] ?? "");
    if (entry === null || key === undefined) continue;
    const full = [...table, ...key];
    if (startsWith(full, path) || startsWith(path, full))
      return { line: index + 1, column: (entry[1] ?? "").length + 1 };
  }
  return undefined;
}

const startsWith = (whole: readonly string[], start: readonly string[]): boolean =>
  whole.length >= start.length && start.every((segment, index) => whole[index] === segment);
