/** One change of a table: a value set, laid over what is there, or taken away. */
import { isRecord } from "../util/is-record.ts";
import type { ConfigEdit } from "./port.ts";
import { ConfigWriteError } from "./port.ts";
import { parseKeyPath } from "./key-path.ts";

type Table = Record<string, unknown>;

export interface TableEdit {
  readonly path: readonly string[];
  /** Null: taken away. */
  readonly value: unknown;
  /** Whether a table's members are laid over those that are there. */
  readonly isMerge: boolean;
}

/** Throws `ConfigWriteError` for a path or value that TOML cannot hold. */
export function tableEdit({ keyPath, value, mergeStrategy }: ConfigEdit): TableEdit {
  const path = parseKeyPath(keyPath);
  if (path[0] === "profile")
    throw invalid(
      "`profile` is a legacy config selector and can no longer be written; use `--profile <name>` with `<name>.config.toml` instead",
    );
  if (value !== null) checkValue(value);
  return { path, value, isMerge: mergeStrategy === "upsert" };
}

/** Changes `table` itself. Throws `ConfigWriteError` where the way to the value leads through something that is no table. */
export function applyEdit(table: Table, { path, value, isMerge }: TableEdit): void {
  const last = path.at(-1) ?? "";
  let parent = table;
  for (const segment of path.slice(0, -1)) {
    const next = own(parent, segment);
    if (isRecord(next)) {
      parent = next;
      continue;
    }
    if (value === null) return;
    if (next !== undefined) throw invalid("cannot set value on non-table parent");
    const made: Table = {};
    parent[segment] = made;
    parent = made;
  }
  if (value === null) delete parent[last];
  else parent[last] = isMerge ? merged(own(parent, last), value) : structuredClone(value);
}

/** The value at `path`; undefined where there is none. */
export function valueAt(table: Readonly<Table>, path: readonly string[]): unknown {
  let value: unknown = table;
  for (const segment of path) value = isRecord(value) ? own(value, segment) : undefined;
  return value;
}

function merged(before: unknown, value: unknown): unknown {
  if (!isRecord(before) || !isRecord(value)) return structuredClone(value);
  const table: Table = { ...before };
  for (const [key, member] of Object.entries(value)) table[key] = merged(own(before, key), member);
  return table;
}

const own = (table: Readonly<Table>, key: string): unknown =>
  Object.hasOwn(table, key) ? table[key] : undefined;

function checkValue(value: unknown): void {
  if (value === null)
    throw invalid("invalid value: invalid type: null, expected any valid TOML value");
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value))
    throw invalid("invalid value: u64 value was too large");
  if (Array.isArray(value)) for (const element of value) checkValue(element);
  else if (isRecord(value))
    for (const [key, member] of Object.entries(value)) {
      if (key === "__proto__") throw invalid("invalid value: no key may be `__proto__`");
      checkValue(member);
    }
}

const invalid = (message: string): ConfigWriteError =>
  new ConfigWriteError("configValidationError", message);
