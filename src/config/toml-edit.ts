/** Changes a TOML text and leaves alone what is not about it: comments, order, blank lines. */
import { parse, patch } from "@decimalturn/toml-patch";
import { isRecord } from "../util/is-record.ts";
import { layerVersion } from "./layer-version.ts";
import { ConfigError, ConfigWriteError } from "./port.ts";
import type { TableEdit } from "./table-edit.ts";
import { applyEdit, valueAt } from "./table-edit.ts";
import { insertNew } from "./toml-insert.ts";
import { parseToml } from "./toml-file.ts";

/** New tables get headers of their own; where the text is written so that this fails, they are put inline. */
const formats = [{ inlineTableStart: 100 }, {}] as const;

/**
 * The text after `edits`, one after another. What comes out is read again and compared with what was meant: a text that would
 * say anything else is not given. Throws `ConfigError` when the text cannot be read, `ConfigWriteError` when it cannot be changed.
 */
export function editToml(text: string, edits: readonly TableEdit[], name: string): string {
  return edits.reduce((before, edit) => {
    const table = parseToml(before, name);
    return parts(edit, table).reduce((whole, part) => editOnce(whole, part, name), before);
  }, text);
}

/** What is laid over a table is one edit for each member that is not one itself. */
function parts(edit: TableEdit, table: Readonly<Record<string, unknown>>): readonly TableEdit[] {
  const { path, value, isMerge } = edit;
  if (!isMerge || !isRecord(value) || !isRecord(valueAt(table, path))) return [edit];
  return Object.entries(value).flatMap(([key, member]) =>
    parts({ path: [...path, key], value: member, isMerge }, table),
  );
}

function editOnce(text: string, edit: TableEdit, name: string): string {
  const before = parseToml(text, name);
  const meant: Record<string, unknown> = structuredClone({ ...before });
  applyEdit(meant, edit);
  const version = layerVersion(meant);
  if (version === layerVersion(before)) return text;
  const ways = [
    () => insertNew(text, before, edit),
    ...formats.map((format) => () => patched(text, edit, format)),
  ];
  for (const way of ways) {
    const after = way();
    if (after !== undefined && versionOf(after, name) === version) return after;
  }
  throw new ConfigWriteError(
    "configValidationError",
    `\`${edit.path.join(".")}\` cannot be changed here without a change to what else stands in ${name}. Change it by hand.`,
  );
}

/** Undefined where the library cannot do it. */
function patched(
  text: string,
  edit: TableEdit,
  format: (typeof formats)[number],
): string | undefined {
  try {
    const table: unknown = parse(text);
    if (!isRecord(table)) return undefined;
    applyEdit(table, edit);
    const after = patch(text, table, format);
    return after === "" || after.endsWith("\n") ? after : `${after}\n`;
  } catch {
    return undefined;
  }
}

function versionOf(text: string, name: string): string | undefined {
  try {
    return layerVersion(parseToml(text, name));
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}
