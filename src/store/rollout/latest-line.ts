import type { TurnId } from "../../protocol/ids.ts";
import { parseRecord, recordOf } from "./members.ts";
import type { Json } from "./members.ts";

/** The last whole line of a kind, parsed only when asked for: most of them never are. */
export class LatestLine {
  /** More than one, because a crash may have torn the last. */
  readonly #kept: {
    readonly line: string;
    readonly turnId: TurnId | null;
    readonly at: number;
  }[] = [];

  /** `at` tells which of two lines of different kinds came later. */
  add(line: string, turnId: TurnId | null, at = 0): void {
    if (!line.endsWith("}")) return;
    this.#kept.push({ line, turnId, at });
    if (this.#kept.length > 4) this.#kept.shift();
  }

  parsed():
    | { readonly payload: Json; readonly turnId: TurnId | null; readonly at: number }
    | undefined {
    for (const { line, turnId, at } of this.#kept.toReversed()) {
      const record = parseRecord(line);
      if (record !== undefined) return { payload: recordOf(record["payload"]), turnId, at };
    }
    return undefined;
  }
}
