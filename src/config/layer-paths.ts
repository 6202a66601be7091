/** Paths in a layer count from the folder that its file lies in. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { isRecord } from "../util/is-record.ts";
import { emptyTable } from "./dotted-key.ts";

type Table = Readonly<Record<string, unknown>>;

const pathKeys = [
  "model_instructions_file",
  "experimental_compact_prompt_file",
  "log_dir",
  "sqlite_home",
  "model_catalog_json",
] as const;

/** The same table with relative paths made absolute; the very same one where there is none. */
export function absolutePathsIn(table: Table, folder: string): Table {
  const changes: Record<string, unknown> = {};
  for (const key of pathKeys) {
    const value = table[key];
    if (typeof value === "string" && !value.startsWith("/")) changes[key] = absolute(value, folder);
  }
  const workspace = table["sandbox_workspace_write"];
  if (isRecord(workspace)) {
    const roots = workspace["writable_roots"];
    if (Array.isArray(roots) && roots.some(isRelative))
      changes["sandbox_workspace_write"] = Object.assign(emptyTable(), workspace, {
        writable_roots: roots.map((root: unknown) =>
          isRelative(root) ? absolute(root, folder) : root,
        ),
      });
  }
  return Object.keys(changes).length === 0 ? table : Object.assign(emptyTable(), table, changes);
}

const isRelative = (path: unknown): path is string =>
  typeof path === "string" && !path.startsWith("/");

const absolute = (path: string, folder: string): string =>
  path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : resolve(folder, path);
