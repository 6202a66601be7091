/** Empty folders in the place of what must not be made; they are there as long as a command needs them. */
import { mkdirSync, rmdirSync } from "node:fs";

export class Placeholders {
  /** By path: how many commands need it. */
  readonly #needed = new Map<string, number>();

  /** Makes those that are missing. The answer, called once, takes them away when no other command needs them. */
  need(paths: readonly string[]): () => void {
    for (const path of paths) {
      const count = this.#needed.get(path);
      if (count !== undefined) this.#needed.set(path, count + 1);
      else if (wasMade(path)) this.#needed.set(path, 1);
    }
    const own = paths.filter((path) => this.#needed.has(path));
    return () => own.forEach((path) => this.#release(path));
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
