/** Keys such as `model_providers.mock.name` or `projects."/home/me/a.b".trust_level`. */
import { isRecord } from "../util/is-record.ts";

type Table = Record<string, unknown>;

/** The segments of a dotted key; a segment may be quoted. Undefined when a segment is empty or a quote stays open. */
export function splitDottedKey(key: string): readonly string[] | undefined {
  const segments: string[] = [];
  const segment = /\s*(?:"([^"]*)"|'([^']*)'|([^."']+))\s*(\.|$)/y;
  let end = 0;
  while (end < key.length || segments.length === 0) {
    segment.lastIndex = end;
    const match = segment.exec(key);
    const text = match?.[1] ?? match?.[2] ?? match?.[3]?.trim();
    if (match === null || text === undefined || text === "") return undefined;
    segments.push(text);
    end = segment.lastIndex;
    if (match[4] === "") return segments;
  }
  return undefined;
}

/** Joins segments into the form in which origins are reported. */
export const joinDottedKey = (segments: readonly string[]): string => segments.join(".");

/** A table without a prototype, so that no key can reach one. */
export const emptyTable = (): Table => {
  const table: Table = Object.create(null);
  return table;
};

/** `base` with `over` laid on top: tables are merged key by key, anything else is replaced. */
export function mergeTables(
  base: Readonly<Table>,
  over: Readonly<Table>,
): Readonly<Record<string, unknown>> {
  const merged = Object.assign(emptyTable(), base);
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    merged[key] = isRecord(value) && isRecord(before) ? mergeTables(before, value) : value;
  }
  return merged;
}

/** A table that holds `value` at the end of `segments` and nothing else. */
export function nestValue(segments: readonly string[], value: unknown): Readonly<Table> {
  const table = emptyTable();
  const [first, ...rest] = segments;
  if (first !== undefined) table[first] = rest.length === 0 ? value : nestValue(rest, value);
  return table;
}

/** Calls `visit` with the dotted key of every value that is not a table. */
export function eachLeaf(
  table: Readonly<Table>,
  visit: (key: string, value: unknown) => void,
  prefix: readonly string[] = [],
): void {
  for (const [key, value] of Object.entries(table)) {
    const path = [...prefix, key];
    if (isRecord(value)) eachLeaf(value, visit, path);
    else visit(joinDottedKey(path), value);
  }
}
