/** Empty folders in the place of what must not be made; they are there as long as a command needs them. */
import { mkdirSync, rmdirSync } from "node:fs";

export class Placeholders {
  /** By path: how many commands need it. */
  readonly #needed = new Map<string, number>();

  /**
   * Makes those that are missing. `mounted`: what is there already; a placeholder of another command is needed by this
   * one too. The answer, called once, takes them away when no other command needs them.
   */
  need(missing: readonly string[], mounted: readonly string[]): () => void {
    const own = [...new Set([...missing, ...mounted.filter((path) => this.#needed.has(path))])];
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
