import type { TurnId } from "../../protocol/ids.ts";
import { parseRecord, recordOf } from "./members.ts";
import type { Json } from "./members.ts";

/** The last whole line of a kind, parsed only when asked for: most of them never are. */
export class LatestLine {
  /** More than one, because a crash may have torn the last. */
  readonly #kept: { readonly line: string; readonly turnId: TurnId | null }[] = [];

  add(line: string, turnId: TurnId | null): void {
    if (!line.endsWith("}")) return;
    this.#kept.push({ line, turnId });
    if (this.#kept.length > 4) this.#kept.shift();
  }

  parsed(): { readonly payload: Json; readonly turnId: TurnId | null } | undefined {
    for (const { line, turnId } of this.#kept.toReversed()) {
      const record = parseRecord(line);
      if (record !== undefined) return { payload: recordOf(record["payload"]), turnId };
    }
    return undefined;
  }
}
