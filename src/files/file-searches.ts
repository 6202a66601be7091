/** Searches of all connections: what they remember is bounded together, and their work takes turns. */
import { randomUUID } from "node:crypto";
import { invalidRequest, type RpcError } from "../protocol/errors.ts";
import { type Deferred, deferred } from "../util/deferred.ts";
import type { FileGuard } from "./file-guard.ts";
import { walkFiles } from "./file-walk.ts";
import { withOpened } from "./opened.ts";
import { OwnedTable } from "./owned-table.ts";
import { type KnownFile, Ranking } from "./ranking.ts";
import type {
  FileAccess,
  FileSearches,
  FoundFile,
  SearchListener,
  SearchPlace,
  SearchRoot,
} from "./port.ts";
import { charactersOf, SearchPattern } from "./search-pattern.ts";
import { WorkSlices } from "./work-slices.ts";

/** Of one search; what is behind them is not found. */
const maxFilesOfOne = 500_000;
/** Of all together: about 300 MB. */
const maxFilesOfAll = 2_000_000;
/** How often news is told. */
const newsMs = 100;

/** Of one connection. */
const maxOpen = 16;

export class HostSearches implements FileSearches {
  readonly #guard: FileGuard;
  readonly #room = { filesLeft: maxFilesOfAll };
  readonly #slices = new WorkSlices();
  readonly #open = new OwnedTable<ToldSearch>();
  readonly #once = new OwnedTable<Search>();

  constructor(guard: FileGuard) {
    this.#guard = guard;
  }

  async search(
    place: SearchPlace,
    query: string,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly FoundFile[]> {
    const pattern = new SearchPattern(query);
    if (pattern.isEmpty || place.roots.length === 0) return [];
    const { owner } = place;
    const id = token ?? `unnamed ${randomUUID()}`;
    if (this.#once.count(owner) >= maxOpen && !this.#once.get(owner, id)) throw tooMany();
    const search = this.#begin(place);
    this.#once.set(owner, id, search);
    const end = (): void => search.close();
    signal.addEventListener("abort", end, { once: true });
    try {
      return await search.find(pattern);
    } finally {
      signal.removeEventListener("abort", end);
      search.close();
      this.#once.close(owner, id, search);
    }
  }

  start(place: SearchPlace, id: string, listener: SearchListener): void {
    const { owner } = place;
    if (this.#open.count(owner) >= maxOpen && !this.#open.get(owner, id)) throw tooMany();
    this.#open.set(owner, id, new ToldSearch(this.#begin(place), listener));
  }

  has(owner: object, id: string): boolean {
    return this.#open.get(owner, id) !== undefined;
  }

  update(owner: object, id: string, query: string): void {
    this.#open.get(owner, id)?.update(query);
  }

  stop(owner: object, id: string): void {
    this.#open.close(owner, id);
  }

  close(): void {
    this.#open.closeAll();
    this.#once.closeAll();
  }

  #begin({ access, roots }: SearchPlace): Search {
    if (this.#room.filesLeft > 0) {
      return new Search(this.#guard, access, roots, this.#room, this.#slices);
    }
    throw invalidRequest(
      `this host remembers ${maxFilesOfAll} files for searches and has no room for more; stop a search that is not needed`,
    );
  }
}

const tooMany = (): RpcError =>
  invalidRequest(`${maxOpen} searches of this connection are open; stop one of them`);

class Search {
  readonly #files: KnownFile[] = [];
  readonly #room: { filesLeft: number };
  readonly #slices: WorkSlices;
  readonly #ended = new AbortController();
  #isWalking = true;
  /** Settles when there are more files, or will be none. */
  #more: Deferred<void> | undefined;

  constructor(
    guard: FileGuard,
    access: FileAccess,
    roots: readonly SearchRoot[],
    room: { filesLeft: number },
    slices: WorkSlices,
  ) {
    this.#room = room;
    this.#slices = slices;
    void this.#walk(guard, access, roots);
  }

  get isClosed(): boolean {
    return this.#ended.signal.aborted;
  }

  /** Calls `onNews` every now and then while it goes on, as long as it is wanted. */
  async find(
    pattern: SearchPattern,
    onNews?: (files: readonly FoundFile[]) => void,
    isWanted: () => boolean = () => true,
  ): Promise<readonly FoundFile[]> {
    const ranking = new Ranking(pattern, this.#files);
    let toldMs = Number.NEGATIVE_INFINITY;
    while (!this.isClosed && isWanted() && (this.#isWalking || !ranking.isDone)) {
      if (ranking.isDone) await (this.#more ??= deferred()).promise;
      else ranking.step(await this.#slices.next());
      if (ranking.hasNews && onNews && isWanted() && performance.now() - toldMs >= newsMs) {
        toldMs = performance.now();
        onNews(ranking.found());
      }
    }
    return ranking.found();
  }

  /** Gives back what it remembers; nothing more is found. */
  close(): void {
    if (this.isClosed) return;
    this.#ended.abort();
    this.#room.filesLeft += this.#files.length;
    this.#files.length = 0;
    this.#wake();
  }

  async #walk(guard: FileGuard, access: FileAccess, roots: readonly SearchRoot[]): Promise<void> {
    try {
      const mayRead = await guard.reach(access);
      for (const { name, path } of roots) await this.#walkRoot(guard, access, name, path, mayRead);
    } catch {
      // without knowing what is the caller's to see nothing is looked for
    } finally {
      this.#isWalking = false;
      this.#wake();
    }
  }

  /** A folder that is not there, or not the caller's to see, holds nothing. */
  async #walkRoot(
    guard: FileGuard,
    access: FileAccess,
    root: string,
    path: string,
    mayRead: (real: string) => boolean,
  ): Promise<void> {
    try {
      const real = await withOpened(guard, access, path, async (folder) => folder.real);
      const add = (file: string, name: string, isFolder: boolean): boolean => {
        const nameAt = file.length - name.length;
        return this.#add({ root, path: file, nameAt, isFolder, characters: charactersOf(file) });
      };
      await walkFiles(real, { mayRead, add, signal: this.#ended.signal });
    } catch {
      // told as nothing found, as by the stock server
    }
  }

  #add(file: KnownFile): boolean {
    if (this.isClosed || this.#room.filesLeft <= 0 || this.#files.length >= maxFilesOfOne) {
      return false;
    }
    this.#files.push(file);
    this.#room.filesLeft -= 1;
    this.#wake();
    return true;
  }

  #wake(): void {
    this.#more?.resolve();
    this.#more = undefined;
  }
}

/** A search whose every query is told of until the next one comes. */
class ToldSearch {
  readonly #search: Search;
  readonly #listener: SearchListener;
  #queries = 0;

  constructor(search: Search, listener: SearchListener) {
    this.#search = search;
    this.#listener = listener;
  }

  update(query: string): void {
    void this.#run(query, ++this.#queries);
  }

  close(): void {
    this.#search.close();
    this.#listener.closed();
  }

  async #run(query: string, number: number): Promise<void> {
    const isWanted = (): boolean => number === this.#queries && !this.#search.isClosed;
    const pattern = new SearchPattern(query);
    const files = pattern.isEmpty
      ? []
      : await this.#search.find(pattern, (some) => this.#listener.found(query, some), isWanted);
    if (!isWanted()) return;
    this.#listener.found(query, files);
    this.#listener.completed();
  }
}
