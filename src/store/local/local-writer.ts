/** One thread that this program writes: a queue of batches in front of its file, and its index entry. */
import type { GitInfo } from "../../protocol/thread.ts";
import { AppendQueue } from "../append-queue.ts";
import type { HistoryEvent, ThreadMeta, ThreadRecord, ThreadWriter } from "../port.ts";
import { noted } from "../thread-record.ts";
import { encodeEvents, encodeHead } from "../rollout/encode.ts";
import type { EncoderState, WrittenEvent } from "../rollout/encode.ts";
import { firstPayload } from "./rollout-reader.ts";
import type { RolloutFile } from "./rollout-file.ts";
import type { IndexEntry } from "./thread-index.ts";
import type { HeldLock } from "./thread-lock.ts";

export interface WriterParts {
  readonly file: RolloutFile;
  readonly state: EncoderState;
  readonly record: ThreadRecord;
  /** Set for a thread that has no file yet. */
  readonly meta: ThreadMeta | undefined;
  readonly nowMs: () => number;
  /** Takes the lock. A new thread's id is known to nobody else, so its first lines need not wait for it. */
  lock(): Promise<HeldLock | undefined>;
  /** Puts the entry into the index. */
  index(entry: IndexEntry): void;
  /** Keeps the name of a thread that has a file. */
  named(name: string): Promise<void>;
  /** Keeps the name of a thread that has none yet. */
  renamedEarly(name: string): void;
  /** Writes a name down where it is read as soon as there is a file. */
  nameAhead(name: string): Promise<void>;
  /** The thread has a file from now on. */
  begun(): void;
  closed(): void;
}

/** Events after which the list of threads must say something new. */
const listed = new Set<WrittenEvent["kind"]>([
  "turnStarted",
  "turnSettings",
  "settings",
  "turnEnded",
  "metaChanged",
  "turnsTakenBack",
]);

export class LocalWriter implements ThreadWriter {
  /** Still without a file, as it was before a restart. */
  wasReserved = false;
  readonly #parts: WriterParts;
  readonly #queue: AppendQueue<WrittenEvent>;
  #state: EncoderState;
  #record: ThreadRecord;
  /** Until the first line is written. */
  #meta: ThreadMeta | undefined;
  #lock: Promise<HeldLock | undefined> | undefined;
  #stale = false;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#queue = new AppendQueue({ write: (events) => this.#write(events) });
    this.#state = parts.state;
    this.#record = parts.record;
    this.#meta = parts.meta;
    if (parts.meta === undefined) this.#lock = parts.lock();
  }

  /** Whether the thread has a file. */
  get begun(): boolean {
    return this.#meta === undefined;
  }

  get record(): ThreadRecord & { readonly path: string } {
    return { ...this.#record, path: this.#parts.file.path };
  }

  append(events: readonly HistoryEvent[]): Promise<void> {
    return this.#queue.add(events);
  }

  /**
   * Before the first append it goes into the first line, in a `legacy` file into a further one. A
   * `paginated` file has one such line only: the stock server reads no history from before a second.
   */
  async setGitInfo(gitInfo: GitInfo | null): Promise<void> {
    if (this.begun && this.#state.form === "legacy") {
      const first = await firstPayload(this.#parts.file.path);
      await this.#queue.add([{ kind: "metaChanged", first, gitInfo }]);
      return;
    }
    if (this.#meta !== undefined) this.#meta = { ...this.#meta, gitInfo };
    this.#record = { ...this.#record, gitInfo };
    await this.#refreshEntry();
  }

  /** Takes the last turns of a `legacy` thread back. */
  rollBack(count: number): Promise<void> {
    return this.#queue.add([{ kind: "turnsTakenBack", count }]);
  }

  /** Puts a thread into the index whose file was there before its first append. */
  async listed(): Promise<void> {
    await this.#refreshEntry();
  }

  async rename(name: string): Promise<void> {
    // With its first lines on the way a thread has a file in a moment.
    if (!this.begun) await this.#queue.settled();
    this.#record = { ...this.#record, name };
    if (this.begun) await this.#parts.named(name);
    else this.#parts.renamedEarly(name);
  }

  /** Moves the file between the folders; waits for what is queued. */
  async move(path: string, archived: boolean): Promise<void> {
    await this.#queue.settled();
    await this.#parts.file.move(path);
    this.#record = { ...this.#record, archived };
    await this.#refreshEntry();
  }

  /** Another program moved the file between the folders. */
  async follow(path: string, archived: boolean): Promise<void> {
    await this.#queue.settled();
    this.#parts.file.movedTo(path);
    this.#record = { ...this.#record, archived };
    await this.#refreshEntry();
  }

  settled(): Promise<void> {
    return this.#queue.settled();
  }

  async close(): Promise<void> {
    if (this.#queue.isClosed) return;
    await this.#queue.close();
    if (this.#stale) await this.#refreshEntry();
    await this.#parts.file.close();
    await (await this.#lock?.catch(() => undefined))?.release();
    this.#parts.closed();
  }

  async #write(events: readonly WrittenEvent[]): Promise<void> {
    const nowMs = this.#parts.nowMs();
    const meta = this.#meta;
    const head = meta && encodeHead(this.#state, meta, nowMs);
    const body = encodeEvents(head?.state ?? this.#state, events, nowMs);
    const lines = [...(head?.lines ?? []), ...body.lines];
    if (lines.length === 0) return;
    // A thread that is seen, even by whoever comes after a crash, has the name it was given.
    if (meta !== undefined && this.#record.name !== null)
      await this.#parts.nameAhead(this.#record.name).catch(() => undefined);
    await this.#parts.file.append(lines);
    this.#state = body.state;
    if (meta !== undefined) await this.#begin();
    const before = this.#record;
    for (const entry of events) this.#record = noted(this.#record, entry);
    this.#stale = true;
    if (
      meta !== undefined ||
      before.preview !== this.#record.preview ||
      events.some(({ kind }) => listed.has(kind))
    ) {
      // The lines are with the system: an index that has no room now follows later, at the latest with the next list.
      await this.#refreshEntry().catch(() => (this.#stale = true));
    }
  }

  async #begin(): Promise<void> {
    this.#meta = undefined;
    this.wasReserved = false;
    this.#parts.begun();
    this.#lock = this.#parts.lock();
    this.#lock.catch(() => undefined);
    const { name } = this.#record;
    if (name !== null) await this.#parts.named(name).catch(() => undefined);
  }

  /** The entry carries the file's own time and size, so that the next start finds it up to date. */
  async #refreshEntry(): Promise<void> {
    const found = this.begun ? await this.#parts.file.stat() : undefined;
    if (found === undefined) return;
    this.#record = { ...this.#record, updatedAtMs: found.mtimeMs };
    this.#parts.index({ record: this.record, mtimeMs: found.mtimeMs, size: found.size });
    this.#stale = false;
  }
}
