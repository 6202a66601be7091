/** Permissions as a model asks for them: `{network: {enabled}, file_system: {read, write}}`, or `entries` in place of the lists. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { FileSystemEntry } from "../protocol/permission-profile.ts";
import type { AdditionalPermissions, FileSystemAccess } from "../protocol/permission-profile.ts";
import { isRecord } from "../util/is-record.ts";
import { CallError, hasHalfCharacter } from "./tool-arguments.ts";

/** More paths than that are no question that a person can answer. */
const maxEntries = 64;

/** Relative paths count from `cwd`. Throws `CallError`; undefined: nothing is asked for. */
export function readPermissions(value: unknown, cwd: string): AdditionalPermissions | undefined {
  const { network, file_system: files } = membersOf(value, "permissions", [
    "network",
    "file_system",
  ]);
  const enabled = isGiven(network) && flagOf(membersOf(network, "network", ["enabled"])["enabled"]);
  const entries = isGiven(files) ? entriesIn(files, cwd) : [];
  if (entries.length > maxEntries) refuse(`more than ${maxEntries} paths at once`);
  if (!enabled && entries.length === 0) return undefined;
  return {
    ...(enabled && { network: { enabled } }),
    ...(entries.length > 0 && { fileSystem: { entries } }),
  };
}

function entriesIn(files: unknown, cwd: string): FileSystemEntry[] {
  const { read, write, entries } = membersOf(files, "file_system", ["read", "write", "entries"]);
  return [
    ...pathsIn(read, "read", cwd),
    ...pathsIn(write, "write", cwd),
    ...listOf(entries, "entries").map(entryOf).filter(isNoDenial),
  ];
}

const isNoDenial = ({ access }: FileSystemEntry): boolean => access !== "none";

const pathsIn = (value: unknown, access: FileSystemAccess, cwd: string): FileSystemEntry[] =>
  listOf(value, access).map((path) => ({
    path: { type: "path", path: absolute(path, cwd) },
    access,
  }));

function absolute(path: unknown, cwd: string): string {
  if (typeof path !== "string" || path === "") refuse("a path must be a text that is not empty");
  if (hasHalfCharacter(path) || path.includes("\0")) refuse("a path holds what no path can hold");
  if (path === "~" || path.startsWith("~/")) return join(homedir(), path.slice(1));
  return resolve(cwd, path);
}

function entryOf(value: unknown): FileSystemEntry {
  const entry = FileSystemEntry.safeParse(value);
  return entry.success ? entry.data : refuse("an entry of `entries` is no path with its access");
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

function listOf(value: unknown, name: string): readonly unknown[] {
  if (!isGiven(value)) return [];
  return Array.isArray(value) ? value : refuse(`\`${name}\` must be a list`);
}

function flagOf(value: unknown): boolean {
  if (!isGiven(value)) return false;
  return typeof value === "boolean" ? value : refuse("`enabled` must be true or false");
}

/** A member that is not known could mean less than what would be granted. */
function membersOf(
  value: unknown,
  name: string,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) refuse(`\`${name}\` must be an object`);
  const other = Object.keys(value).find((key) => !known.includes(key));
  if (other === undefined) return value;
  return refuse(
    `unknown field \`${other}\`, expected ${known.map((key) => `\`${key}\``).join(" or ")}`,
  );
}

function refuse(detail: string): never {
  throw new CallError(`failed to parse function arguments: ${detail}`);
}
