/**
 * The one place that decides what an access of limited scope may touch. Calls are judged by what the method's params
 * name; lists by what they hold; notifications and questions by the thread that they are about.
 */
import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { ThreadId } from "../protocol/ids.ts";
import type { Scope } from "../protocol/principal.ts";
import type { Threads } from "../threads/port.ts";
import { isRecord } from "../util/is-record.ts";
import { foldersNamed } from "./named-folders.ts";

export type ThreadsOfGuard = Pick<Threads, "read" | "cwdOf">;

/** About what threads and folders were last seen as, for what is decided without waiting. */
const maxKnown = 10_000;

export class ScopeGuard {
  readonly #threads: ThreadsOfGuard;
  readonly #defaultCwd: string;
  /** The folders of stored threads that were looked at. */
  readonly #cwds = new Map<string, string>();
  readonly #realPaths = new Map<string, string>();

  constructor(threads: ThreadsOfGuard, defaultCwd: string) {
    this.#threads = threads;
    this.#defaultCwd = defaultCwd;
  }

  /** Whether a thread is in the scope, as far as is known without waiting; one of which nothing is known is not. */
  sees(scope: Scope, threadId: string): boolean {
    if (scope.threads?.includes(threadId)) return true;
    const id = ThreadId.safeParse(threadId);
    const loaded = id.success ? this.#threads.cwdOf(id.data) : undefined;
    const cwd = loaded ?? this.#cwds.get(threadId);
    if (cwd === undefined || !scope.projects) return false;
    if (loaded !== undefined) remember(this.#cwds, threadId, loaded);
    const real = this.#realPaths.get(cwd) ?? remember(this.#realPaths, cwd, realOf(cwd));
    return scope.projects.some((project) => isInside(project, real));
  }

  /** The same, looked up. An id that is none is left to the method, which says what is wrong with it. */
  async mayTouch(scope: Scope, threadId: string): Promise<boolean> {
    const id = threadIdOf(threadId);
    if (id === undefined || scope.threads?.includes(id)) return true;
    const cwd = this.#threads.cwdOf(id) ?? (await this.#storedCwd(id));
    return cwd !== undefined && this.holdsFolder(scope, cwd);
  }

  /** By the real path as it is now. */
  holdsFolder(scope: Scope, folder: string): boolean {
    const real = realOf(resolve(this.#defaultCwd, folder));
    return scope.projects?.some((project) => isInside(project, real)) ?? false;
  }

  /** The first folder or file that the params name outside of the scope. */
  strayFolder(scope: Scope, params: unknown): string | undefined {
    return foldersNamed(params).find((folder) => !this.holdsFolder(scope, folder));
  }

  /** Where a new thread would work. */
  startFolder(params: unknown): string {
    const cwd = isRecord(params) ? params["cwd"] : undefined;
    return typeof cwd === "string" ? cwd : this.#defaultCwd;
  }

  /** A list without the rows, threads, what was found in them, or their ids, that are not in the scope. */
  async listed(scope: Scope, result: unknown): Promise<unknown> {
    if (!isRecord(result) || !Array.isArray(result["data"])) return result;
    const rows: unknown[] = result["data"];
    const seen = await Promise.all(rows.map((row) => this.#seesRow(scope, row)));
    return { ...result, data: rows.filter((_row, index) => seen[index]) };
  }

  async #seesRow(scope: Scope, row: unknown): Promise<boolean> {
    const thread = isRecord(row) && isRecord(row["thread"]) ? row["thread"] : row;
    const id = isRecord(thread) ? thread["id"] : thread;
    return typeof id === "string" && this.mayTouch(scope, id);
  }

  async #storedCwd(id: ThreadId): Promise<string | undefined> {
    const thread = await this.#threads.read(id, false).catch(() => undefined);
    return thread && remember(this.#cwds, id, thread.cwd);
  }
}

/** In the form in which threads are kept; undefined where it is no id in any form. */
function threadIdOf(text: string): ThreadId | undefined {
  const hex = text
    .replace(/^urn:uuid:/, "")
    .replaceAll("-", "")
    .toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(hex)) return undefined;
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return ThreadId.parse(id);
}

/** Of what is not there: where it would be. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const whole = resolve(path);
    const folder = dirname(whole);
    return folder === whole ? whole : join(realOf(folder), basename(whole));
  }
}

function isInside(project: string, path: string): boolean {
  const way = relative(project, path);
  return way === "" || !(way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way));
}

/** The oldest entry gives way. */
function remember(known: Map<string, string>, key: string, value: string): string {
  known.delete(key);
  known.set(key, value);
  const [oldest] = known.keys();
  if (known.size > maxKnown && oldest !== undefined) known.delete(oldest);
  return value;
}
