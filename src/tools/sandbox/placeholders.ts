/** Empty folders in the place of what must not be made; they are there as long as a command needs them. */
import { existsSync, mkdirSync, rmdirSync } from "node:fs";
import { PlaceholderJournal } from "./placeholder-journal.ts";

export class Placeholders {
  /** By path: how many commands need it. */
  readonly #needed = new Map<string, number>();
  readonly #journal: PlaceholderJournal;

  /** `stateFolder`: where it is written down which there are, so that those of a killed program go now. */
  constructor(stateFolder: string) {
    this.#journal = new PlaceholderJournal(stateFolder);
    this.#journal.sweep();
  }

  /**
   * Makes those that are missing. `mounted`: what is there already; a placeholder of another command is needed by this
   * one too. The answer, called once, takes them away when no other command needs them.
   */
  need(missing: readonly string[], mounted: readonly string[]): () => void {
    const own = [...new Set([...missing, ...mounted.filter((path) => this.#needed.has(path))])];
    const made = own.filter((path) => !this.#needed.has(path) && !existsSync(path));
    if (made.length > 0) this.#journal.write([...this.#needed.keys(), ...made]);
    const kept = own.filter((path) => this.#needed.has(path) || wasMade(path));
    for (const path of kept) this.#needed.set(path, (this.#needed.get(path) ?? 0) + 1);
    return () => kept.forEach((path) => this.#release(path));
  }

  #release(path: string): void {
    const left = (this.#needed.get(path) ?? 1) - 1;
    if (left > 0) {
      this.#needed.set(path, left);
      return;
    }
    this.#needed.delete(path);
    try {
      rmdirSync(path);
    } catch {
      // somebody put something into it, or took it away: it is theirs now
    }
    this.#journal.write([...this.#needed.keys()]);
  }
}

/** False: something is there already. */
function wasMade(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o755 });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}
