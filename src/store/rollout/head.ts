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

/** The head so far; undefined where the first line names no thread. `complete`: more lines change nothing. */
export function readHead(
  lines: Iterable<string>,
  fallbackMs: number,
): { readonly head: RolloutHead; readonly complete: boolean } | undefined {
  let meta: ThreadMeta | undefined;
  let base: HistoryBase | undefined;
  let model: string | null = null;
  let effort: string | null = null;
  for (const line of lines) {
    if (meta === undefined) {
      const record = parseRecord(line);
      if (record?.["type"] !== "session_meta") return undefined;
      meta = decodeMeta(recordOf(record["payload"]), fallbackMs);
      base = historyBaseOf(recordOf(record["payload"]));
      if (meta === undefined) return undefined;
    } else if (turnContext.test(line)) {
      const context = recordOf(parseRecord(line)?.["payload"]);
      const settings = decodeTurnContext(context, meta.modelProvider);
      model = settings.model === "" ? null : settings.model;
      effort = settings.effort;
    } else if (userMessage.test(line.slice(0, 600))) {
      const preview = previewOfLine(line);
      if (preview !== "") return { head: { meta, preview, model, effort, base }, complete: true };
    }
  }
  return meta && { head: { meta, preview: "", model, effort, base }, complete: false };
}

function previewOfLine(line: string): string {
  const event = recordOf(parseRecord(line)?.["payload"]);
  const item =
    textOf(event["type"]) === "item_completed"
      ? decodeItem(event)
      : decodeLegacyItem(event, undefined, () => "preview")?.item;
  return item?.type === "userMessage" ? previewOfInput(item.content) : "";
}
