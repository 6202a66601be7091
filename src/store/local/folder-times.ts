/**
 * When names last came or went in the folders of rollouts: a folder's own time says so. Asking is a
 * few microseconds a folder, and is done at once, without a turn of the event loop for each.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { RolloutFolders } from "./rollout-path.ts";

/** File systems count time in steps; within one a second change leaves no trace. */
const stepMs = 50;
/** How deep below `sessions` the rollouts lie: year, month, day. */
const dayDepth = 3;

interface Known {
  readonly depth: number;
  /** Unix milliseconds; NaN: look again whatever the folder says. */
  timeMs: number;
}

export class FolderTimes {
  readonly #known = new Map<string, Known>();

  constructor({ sessions, archived }: RolloutFolders) {
    this.#known.set(sessions, { depth: 0, timeMs: Number.NaN });
    this.#known.set(archived, { depth: dayDepth, timeMs: Number.NaN });
  }

  /** The folders that hold rollouts and are not as they were when this was asked last, those that are gone too. */
  changed(): string[] {
    const changed: string[] = [];
    // Folders that are found on the way come at the end of the map, and so are looked at, too.
    for (const [path, known] of this.#known) {
      const timeMs = timeOf(path);
      if (timeMs === known.timeMs) continue;
      known.timeMs = Date.now() - timeMs < stepMs ? Number.NaN : timeMs;
      if (known.depth === dayDepth) changed.push(path);
      else this.#findBelow(path, known.depth + 1);
    }
    return changed;
  }

  #findBelow(path: string, depth: number): void {
    for (const name of namesOf(path)) {
      const below = join(path, name);
      if (!this.#known.has(below)) this.#known.set(below, { depth, timeMs: Number.NaN });
    }
  }
}

const gone = -1;

const timeOf = (path: string): number => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? gone;
  } catch {
    return gone;
  }
};

function namesOf(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
