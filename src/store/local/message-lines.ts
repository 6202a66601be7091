/** The messages in a rollout's lines: those alone are parsed, of all the others the first bytes tell. */
import type { ThreadItem } from "../../protocol/item.ts";
import { messageText } from "../../protocol/message-text.ts";
import { folded } from "../../util/folded-text.ts";
import { decodeItem } from "../rollout/item-coding.ts";
import { decodeLegacyItem } from "../rollout/legacy-coding.ts";
import { historyBaseOf } from "../rollout/meta-coding.ts";
import { parseRecord, recordOf } from "../rollout/members.ts";
import type { ListedFile, ReadMessages } from "./message-table.ts";
import { segmentOfFile, threadOfFile } from "./rollout-path.ts";
import {
  firstPayload,
  historyLines,
  readHistory,
  readLines,
  wholeBytes,
} from "./rollout-reader.ts";

type PathOf = (segment: string) => Promise<string | undefined>;

/** Instead of a message: turns before it count no more. */
const takenBack = Symbol("turns were taken back");

const event =
  /^\{"timestamp":"[^"]*",(?:"ordinal":\d+,)?"type":"event_msg","payload":\{"type":"(?<type>\w+)"/;
/** The item's type stands behind three ids. */
const itemType = /"item":\{"type":"(?:User|Agent)Message"/;
const itemTypeWithin = 600;

/** What a file says since it was read the last time. Rejects with `StoreError`, or with the file system's error. */
export async function readMessages(listed: ListedFile, pathOf: PathOf): Promise<ReadMessages> {
  const endOffset = await wholeBytes(listed.path);
  const file = { ...listed, endOffset };
  const from = endOffset < listed.endOffset ? 0 : listed.endOffset;
  const texts: string[] = [];
  for await (const lines of linesOf(file, from, pathOf)) {
    for (const line of lines) {
      const found = messageIn(line);
      // Turns that were taken back are to be found no more: which ones, the whole history tells.
      if (found === takenBack)
        return { file, anew: true, texts: (await whole(file, pathOf)).map(ready) };
      if (found !== undefined) texts.push(found);
    }
  }
  return { file, anew: from === 0, texts: texts.map(ready) };
}

const ready = (text: string) => ({ text, folded: folded(text) });

/**
 * A fork's file alone, whose source is found by itself; but of a thread that the stock server took
 * turns back of, its earlier files too.
 */
async function* linesOf(
  { path, endOffset }: ListedFile,
  from: number,
  pathOf: PathOf,
): AsyncGenerator<readonly string[]> {
  const threadId = threadOfFile(path);
  const base = from === 0 ? historyBaseOf(await firstPayload(path)) : undefined;
  const basePath = base && (await pathOf(base.threadId));
  if (basePath !== undefined && threadOfFile(basePath) === threadId) {
    const source = { threadId: segmentOfFile(path) ?? "", path, endOffset };
    for await (const { lines } of historyLines(source, pathOf)) yield lines;
    return;
  }
  yield* readLines(path, endOffset, undefined, from);
}

function messageIn(line: string): string | typeof takenBack | undefined {
  const type = event.exec(line)?.groups?.["type"];
  if (type === "thread_rolled_back") return takenBack;
  if (type === "item_completed") {
    if (!itemType.test(line.slice(0, itemTypeWithin))) return undefined;
  } else if (type !== "user_message" && type !== "agent_message") return undefined;
  const payload = recordOf(parseRecord(line)?.["payload"]);
  const item =
    type === "item_completed"
      ? decodeItem(payload)
      : decodeLegacyItem(payload, undefined, () => "message")?.item;
  return item && textIn(item);
}

const textIn = (item: ThreadItem): string | undefined => messageText(item)?.join("\n");

async function whole(file: ListedFile, pathOf: PathOf): Promise<readonly string[]> {
  const source = {
    threadId: segmentOfFile(file.path) ?? "",
    path: file.path,
    endOffset: file.endOffset,
  };
  const { turns } = await readHistory(source, pathOf);
  return turns.flatMap(({ items }) => items.map(textIn).filter((text) => text !== undefined));
}
