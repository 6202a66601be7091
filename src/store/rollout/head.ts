/** What an index needs of a rollout, from its first lines alone. */
import type { ThreadMeta } from "../port.ts";
import { decodeItem } from "./item-coding.ts";
import { decodeLegacyItem } from "./legacy-coding.ts";
import { previewOfInput } from "./input-coding.ts";
import { parseRecord, recordOf, textOf } from "./members.ts";
import { decodeMeta, historyBaseOf } from "./meta-coding.ts";
import type { HistoryBase } from "./meta-coding.ts";
import { decodeTurnContext } from "./settings-coding.ts";

export interface RolloutHead {
  readonly meta: ThreadMeta;
  /** Empty while nobody has written anything yet. */
  readonly preview: string;
  readonly model: string | null;
  readonly effort: string | null;
  /** Where the thread's history begins, if not in this file. */
  readonly base: HistoryBase | undefined;
}

const turnContext = /^\{"timestamp":"[^"]*",(?:"ordinal":\d+,)?"type":"turn_context"/;
const userMessage = /"type":"(?:UserMessage|user_message)"/;

/** Takes a rollout's lines in order, until more of them would change nothing. */
export class HeadReader {
  readonly #fallbackMs: number;
  #head: RolloutHead | undefined;

  /** `fallbackMs`: Unix ms, for a thread that does not say when it was made. */
  constructor(fallbackMs: number) {
    this.#fallbackMs = fallbackMs;
  }

  /** What is known so far; undefined where the first line names no thread. */
  get head(): RolloutHead | undefined {
    return this.#head;
  }

  /** Whether more lines can add to what is known. */
  add(lines: Iterable<string>): boolean {
    for (const line of lines) {
      if (this.#head === undefined) {
        this.#head = this.#begin(line);
        if (this.#head === undefined) return false;
      } else if (turnContext.test(line)) {
        const context = recordOf(parseRecord(line)?.["payload"]);
        const settings = decodeTurnContext(context, this.#head.meta.modelProvider);
        const model = settings.model === "" ? null : settings.model;
        this.#head = { ...this.#head, model, effort: settings.effort };
      } else if (userMessage.test(line.slice(0, 600))) {
        const preview = previewOfLine(line);
        this.#head = { ...this.#head, preview };
        if (preview !== "") return false;
      }
    }
    return true;
  }

  #begin(line: string): RolloutHead | undefined {
    const record = parseRecord(line);
    const payload = recordOf(record?.["payload"]);
    const meta =
      record?.["type"] === "session_meta" ? decodeMeta(payload, this.#fallbackMs) : undefined;
    return meta && { meta, preview: "", model: null, effort: null, base: historyBaseOf(payload) };
  }
}

function previewOfLine(line: string): string {
  const event = recordOf(parseRecord(line)?.["payload"]);
  const item =
    textOf(event["type"]) === "item_completed"
      ? decodeItem(event)
      : decodeLegacyItem(event, undefined, () => "preview")?.item;
  return item?.type === "userMessage" ? previewOfInput(item.content) : "";
}
