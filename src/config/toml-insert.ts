/** Puts something new into a TOML text, where a person would: a key at the end of its table, a table at the end of the text. */
import { isRecord } from "../util/is-record.ts";
import { splitDottedKey } from "./dotted-key.ts";
import type { TableEdit } from "./table-edit.ts";
import { valueAt } from "./table-edit.ts";

type Table = Readonly<Record<string, unknown>>;

/**
 * The text with the value in it; undefined where there is one already, or no place for it. Works by lines: who calls must read
 * the outcome and compare.
 */
export function insertNew(
  text: string,
  table: Table,
  { path, value }: TableEdit,
): string | undefined {
  if (value === null || valueAt(table, path) !== undefined) return undefined;
  const parent = path.slice(0, -1);
  const key = path.at(-1) ?? "";
  if (isRecord(value) || (parent.length > 0 && valueAt(table, parent) === undefined)) {
    const sections = isRecord(value)
      ? sectionsOf(path, value)
      : sectionsOf(parent, { [key]: value });
    const start = text === "" ? "" : text.endsWith("\n") ? "\n" : "\n\n";
    return `${text}${start}${sections.join("\n\n")}\n`;
  }
  return withLine(text, parent, `${keyText(key)} = ${valueText(value)}`);
}

/** `[a.b]` with its plain members, then one of its own for each table in it. */
function sectionsOf(path: readonly string[], table: Table): readonly string[] {
  const members = Object.entries(table);
  const plain = members.filter(([, value]) => !isRecord(value));
  const inner = members.flatMap(([key, value]) =>
    isRecord(value) ? sectionsOf([...path, key], value) : [],
  );
  if (plain.length === 0 && inner.length > 0) return inner;
  const lines = plain.map(([key, value]) => `${keyText(key)} = ${valueText(value)}`);
  return [[`[${path.map(keyText).join(".")}]`, ...lines].join("\n"), ...inner];
}

/** Behind the last line of the table that says something. */
function withLine(text: string, parent: readonly string[], line: string): string | undefined {
  const lines = text.split("\n");
  const isHeader = (index: number): boolean => /^\s*\[/.test(lines[index] ?? "");
  let last = parent.length === 0 ? -1 : undefined;
  let isInside = parent.length === 0;
  for (const [index, found] of lines.entries()) {
    if (isHeader(index)) isInside = isHeaderOf(found, parent);
    if (isInside && !/^\s*(#.*)?$/.test(found)) last = index;
  }
  if (last === undefined) return undefined;
  lines.splice(last + 1, 0, line);
  const after = lines.join("\n");
  return after.endsWith("\n") ? after : `${after}\n`;
}

function isHeaderOf(line: string, path: readonly string[]): boolean {
  const named = /^\s*\[([^[\]]+)\]/.exec(line)?.[1];
  const segments = named === undefined ? undefined : splitDottedKey(named);
  return segments?.length === path.length && segments.every((name, index) => name === path[index]);
}

const keyText = (key: string): string => (/^[\w-]+$/.test(key) ? key : stringText(key));

function valueText(value: unknown): string {
  if (typeof value === "string") return stringText(value);
  if (Array.isArray(value)) return `[${value.map(valueText).join(", ")}]`;
  if (!isRecord(value)) return String(value);
  const members = Object.entries(value).map(
    ([key, member]) => `${keyText(key)} = ${valueText(member)}`,
  );
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

/** A basic string: JSON's, but that TOML wants DEL escaped as well. */
const stringText = (text: string): string => JSON.stringify(text).replaceAll("\u007f", "\\u007f");
