/** The log for other programs: as it is, or as a table that a spreadsheet cannot be made to execute. */
import { isRecord } from "../util/is-record.ts";
import type { ReadLine } from "./audit-line.ts";
import { storedLines } from "./stored-lines.ts";

export interface ExportOptions {
  readonly dir: string;
  readonly format: "jsonl" | "csv";
  /** Unix times in milliseconds; the first counts, the second does not. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

const columns = [
  "sequence",
  "time",
  "act",
  "outcome",
  "code",
  "kind",
  "id",
  "name",
  "address",
  "about",
] as const;

/** Line by line, with their ends. Throws at the end when lines could not be read. */
export function* exportAudit(options: ExportOptions): Generator<string> {
  const { dir, format, sinceMs = -Infinity, untilMs = Infinity } = options;
  let unreadable = 0;
  if (format === "csv") yield `${columns.join(",")}\r\n`;
  for (const { line, bytes, ended } of storedLines(dir)) {
    if (line === undefined || !ended) unreadable += 1;
    else if (line.timeMs >= sinceMs && line.timeMs < untilMs) {
      yield format === "csv" ? `${row(line)}\r\n` : `${bytes.toString("utf8")}\n`;
    }
  }
  if (unreadable === 0) return;
  throw new Error(
    `${unreadable} lines could not be read and were left out; "npx farhelm audit verify" says where the first one is.`,
  );
}

function row({ members, timeMs, sequence, act }: ReadLine): string {
  const { who, outcome, code, address, about } = members;
  const { kind, id, name } = isRecord(who) ? who : {};
  const values = [sequence, time(timeMs), act, outcome, code, kind, id, name, address, about];
  return values.map(cell).join(",");
}

const time = (timeMs: number): string => {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? String(timeMs) : date.toISOString();
};

/** What a spreadsheet would take for a formula gets an apostrophe; control characters have no place in a cell. */
function cell(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") return String(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const shown = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "");
  const harmless = /^\s*[=+\-@＝＋－＠]/.test(shown) ? `'${shown}` : shown;
  return `"${harmless.replaceAll('"', '""')}"`;
}
