/** The best of many files for one query, found in small steps. */
import type { FoundFile } from "./port.ts";
import type { SearchPattern } from "./search-pattern.ts";

/** So many are told. */
const maxFound = 50;
/** The clock is looked at so often. */
const filesPerLook = 64;

/** A file that was found once. */
export interface KnownFile {
  readonly root: string;
  readonly path: string;
  /** Where the last part of the path begins. */
  readonly nameAt: number;
  readonly isFolder: boolean;
  /** See `charactersOf`. */
  readonly characters: number;
}

interface Ranked {
  readonly file: KnownFile;
  readonly score: number;
}

export class Ranking {
  readonly #pattern: SearchPattern;
  readonly #files: readonly KnownFile[];
  #best: Ranked[] = [];
  #next = 0;
  /** Whether something was found since `found` was asked. */
  hasNews = false;

  /** `files` may grow. */
  constructor(pattern: SearchPattern, files: readonly KnownFile[]) {
    this.#pattern = pattern;
    this.#files = files;
  }

  get isDone(): boolean {
    return this.#next >= this.#files.length;
  }

  /** Looks at files until the time has come, by `performance.now()`. */
  step(untilMs: number): void {
    while (!this.isDone && performance.now() < untilMs) {
      const end = Math.min(this.#next + filesPerLook, this.#files.length);
      for (; this.#next < end; this.#next++) this.#look(this.#files[this.#next]);
    }
  }

  found(): readonly FoundFile[] {
    this.hasNews = false;
    return this.#best.map(({ file: { root, path, nameAt, isFolder }, score }) => ({
      root,
      path,
      isFolder,
      fileName: path.slice(nameAt),
      score,
      indices: this.#pattern.places(path, nameAt, isFolder),
    }));
  }

  #look(file: KnownFile | undefined): void {
    if (!file || !this.#pattern.mayFit(file.characters)) return;
    const worst = this.#best.length < maxFound ? undefined : this.#best.at(-1);
    const { path, nameAt, isFolder } = file;
    const score = this.#pattern.score(path, nameAt, isFolder, worst?.score ?? 0);
    if (score === undefined) return;
    const ranked = { file, score };
    if (worst && !isBefore(ranked, worst)) return;
    const place = this.#best.findIndex((other) => isBefore(ranked, other));
    this.#best.splice(place === -1 ? this.#best.length : place, 0, ranked);
    if (this.#best.length > maxFound) this.#best.pop();
    this.hasNews = true;
  }
}

const isBefore = (one: Ranked, other: Ranked): boolean =>
  one.score === other.score ? one.file.path < other.file.path : one.score > other.score;
