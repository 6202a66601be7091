/** The rules of a profile on this disk: symlinks followed, and the strongest of two for one place. */
import { accessSync, constants, lstatSync, readlinkSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { FileSystemAccess } from "../../protocol/permission-profile.ts";
import { isInside, type PathRules } from "../../permissions/path-access.ts";
import { SandboxError } from "./port.ts";

export interface SymbolicLink {
  readonly path: string;
  readonly target: string;
}

/** As many links as Linux follows before it gives up. */
const maxLinks = 40;
const strength = { read: 0, write: 1, none: 2 } as const;

/** What is at a path by itself. Throws nothing: what cannot be looked at is not there for a command either. */
export function kindAt(path: string): "folder" | "link" | "file" | "other" | undefined {
  try {
    const found = lstatSync(path);
    if (found.isDirectory()) return "folder";
    if (found.isSymbolicLink()) return "link";
    return found.isFile() ? "file" : "other";
  } catch {
    return undefined;
  }
}

/** Where a path leads, with every link on the way. Parts that do not exist are kept as they are. */
export function followed(path: string): { real: string; links: readonly SymbolicLink[] } {
  const links: SymbolicLink[] = [];
  let real = "/";
  const left = path.split("/").filter((name) => name !== "" && name !== ".");
  for (;;) {
    const name = left.shift();
    if (name === undefined) return { real, links };
    const next = name === ".." ? dirname(real) : join(real, name);
    if (kindAt(next) !== "link") {
      real = next;
      continue;
    }
    if (links.length === maxLinks) throw new SandboxError(`${path} passes too many symbolic links`);
    const target = readlinkSync(next);
    links.push({ path: next, target });
    left.unshift(...target.split("/").filter((part) => part !== "" && part !== "."));
    if (isAbsolute(target)) real = "/";
  }
}

export interface RealRules {
  readonly access: ReadonlyMap<string, FileSystemAccess>;
  readonly links: readonly SymbolicLink[];
}

/**
 * A link in a place where commands write is not followed: whoever put it there would choose what the rule is about.
 * Throws `SandboxError` at one.
 */
export function realRules(named: PathRules): RealRules {
  const rules = named.rules.map((rule) => ({ ...rule, ...followed(resolve("/", rule.path)) }));
  const links = rules.flatMap((rule) => rule.links);
  const asFound = strongest(
    rules.flatMap(({ path, real, access }) => [
      [resolve("/", path), access],
      [real, access],
    ]),
  );
  for (const { path } of links) {
    const folder = nearest(dirname(path), asFound);
    if (folder === undefined || asFound.get(folder) !== "write") continue;
    if (mayChange(dirname(path))) {
      throw new SandboxError(
        `${path} is a symbolic link that commands can change, so it cannot say what they may reach: name the real folder in the permissions and as the thread's folder, or take the link away`,
      );
    }
  }
  return { access: strongest(rules.map(({ real, access }) => [real, access])), links };
}

function strongest(
  rules: readonly (readonly [path: string, access: FileSystemAccess])[],
): ReadonlyMap<string, FileSystemAccess> {
  const all = new Map<string, FileSystemAccess>();
  for (const [path, access] of rules) {
    const known = all.get(path);
    if (known === undefined || strength[access] > strength[known]) all.set(path, access);
  }
  return all;
}

/** Whether this user could at all. */
export function mayChange(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The longest of the paths that `path` is or lies below; `isBelow`: that it lies below (`/` lies below itself). */
export function nearest(
  path: string,
  access: ReadonlyMap<string, FileSystemAccess>,
  isBelow = false,
): string | undefined {
  for (let at = isBelow ? dirname(path) : path; ; at = dirname(at)) {
    if (access.has(at)) return at;
    if (at === "/") return undefined;
  }
}

/** From `top` down to `path`, both included; nothing where `path` lies elsewhere. */
export function chain(top: string, path: string): readonly string[] {
  if (!isInside(top, path)) return [];
  const folders: string[] = [];
  for (let at = path; at !== top; at = dirname(at)) folders.unshift(at);
  return [top, ...folders];
}
