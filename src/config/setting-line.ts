/** Where a setting of farhelm.toml stands, for error messages. */
import { splitDottedKey } from "./dotted-key.ts";

/**
 * The line, from 1, of the setting at `path`, else of the innermost table on the way to it that has one;
 * a number in the path counts the `[[…]]` of that name. Undefined when the text names none of them.
 */
export function settingLine(text: string, path: readonly PropertyKey[]): number | undefined {
  const wanted = path.map(String);
  const counts = new Map<string, number>();
  let table: readonly string[] = [];
  let best: { readonly line: number; readonly depth: number } | undefined;
  const offer = (found: readonly string[], line: number): void => {
    const depth = found.length;
    if (depth > (best?.depth ?? 0) && startsWith(wanted, found)) best = { line, depth };
  };
  for (const [index, line] of text.split("\n").entries()) {
    const header = /^\s*(\[{1,2})([^\]]+)\]/.exec(line);
    const segments = splitDottedKey(header?.[2] ?? /^\s*([^=#]+?)\s*=/.exec(line)?.[1] ?? "");
    if (segments === undefined) continue;
    if (header === null) {
      for (let end = 1; end <= segments.length; end += 1)
        offer([...table, ...segments.slice(0, end)], index + 1);
      continue;
    }
    if (header[1] === "[[") counts.set(joined(segments), (counts.get(joined(segments)) ?? -1) + 1);
    table = segments.flatMap((segment, at) => {
      const count = counts.get(joined(segments.slice(0, at + 1)));
      return count === undefined ? [segment] : [segment, String(count)];
    });
    offer(table, index + 1);
  }
  return best?.line;
}

const joined = (segments: readonly string[]): string => JSON.stringify(segments);

const startsWith = (whole: readonly string[], start: readonly string[]): boolean =>
  start.every((segment, index) => whole[index] === segment);
