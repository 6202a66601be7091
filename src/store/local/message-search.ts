/** Threads in which something was said, by the index of what was said in them. */
import { setImmediate as nextTick, setTimeout as delay } from "node:timers/promises";
import type { Database } from "../../db/database.ts";
import { folded, placesOf } from "../../util/folded-text.ts";
import type { SearchPage, SearchQuery } from "../port.ts";
import { searchInOrder, snippetOf } from "../search-snippet.ts";
import { inParallel } from "./history-scan.ts";
import { readMessages } from "./message-lines.ts";
import { MessageTable } from "./message-table.ts";
import type { ListedFile, ReadMessages } from "./message-table.ts";
import type { ThreadIndex } from "./thread-index.ts";

/** How long a search waits for what was not read yet: until its answer is right, but not for ever on a slow disk. */
const maxWaitMs = 8000;
/** A few ms of SQLite. */
const batchFiles = 32;
/** With more, looking through the newest threads one by one finds a page sooner. */
const maxMessages = 2000;

export interface SearchParts {
  readonly index: ThreadIndex;
  readonly pathOf: (segment: string) => Promise<string | undefined>;
  readonly log: { warn(fields: object, message: string): void };
}

export class MessageSearch {
  readonly #table: MessageTable;
  readonly #parts: SearchParts;
  #reading: Promise<void> | undefined;
  #stopped = false;

  constructor(database: Database, parts: SearchParts) {
    this.#table = new MessageTable(database);
    this.#parts = parts;
  }

  /** Throws `StoreError` `badCursor`. */
  async search({ term: wanted, ...query }: SearchQuery): Promise<SearchPage> {
    await this.#upToDate();
    const term = folded(wanted);
    const first = this.#table.found(term, maxMessages);
    if (first === undefined) return this.#lookThrough(wanted, query);
    const page = this.#parts.index.page({ ...query, ids: [...first.keys()] });
    const data = page.data.map((record) => ({
      record,
      snippet: snippetOf(this.#table.text(first.get(record.id) ?? 0), term),
    }));
    return { ...page, data };
  }

  forget(threadId: string): void {
    this.#table.remove(threadId);
  }

  async close(): Promise<void> {
    this.#stopped = true;
    await this.#reading;
  }

  async #upToDate(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    const abandon = new AbortController();
    const late = delay(maxWaitMs, undefined, { signal: abandon.signal }).catch(() => undefined);
    await Promise.race([this.#reading, late]);
    abandon.abort();
  }

  async #read(): Promise<void> {
    const changed = this.#table.changed();
    for (let at = 0; at < changed.length && !this.#stopped; at += batchFiles) {
      const read: ReadMessages[] = [];
      await inParallel(changed.slice(at, at + batchFiles), async (file) => {
        const messages = await this.#messagesOf(file);
        if (messages !== undefined) read.push(messages);
      });
      if (!this.#stopped) this.#table.put(read);
    }
  }

  async #messagesOf(file: ListedFile): Promise<ReadMessages | undefined> {
    try {
      return await readMessages(file, this.#parts.pathOf);
    } catch (error) {
      this.#parts.log.warn({ err: error, path: file.path }, "a thread's file cannot be searched");
      return undefined;
    }
  }

  /** For what stands nearly everywhere, and for what is too short to be in the index. */
  #lookThrough(wanted: string, query: Omit<SearchQuery, "term">): Promise<SearchPage> {
    const term = folded(wanted);
    return searchInOrder(
      { ...query, term },
      async (threads) => {
        await nextTick();
        return this.#parts.index.page(threads);
      },
      async ({ id }) => this.#table.texts(id).find((said) => placesOf(said, term).length > 0),
    );
  }
}
