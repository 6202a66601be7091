/** The logs of all threads, and how much of them is kept. */
import { randomBytes } from "node:crypto";
import type { ThreadId } from "../protocol/ids.ts";
import type { GapReason } from "../protocol/stream.ts";
import type { Outlook, StreamPosition } from "./port.ts";
import { ThreadLog } from "./thread-log.ts";

export interface Retention {
  readonly bytesPerThread: number;
  readonly bytesInAll: number;
  /** Events are given up so long after they happened. */
  readonly ageMs: number;
  /** Threads whose place is known; past that the one that was quiet for longest begins anew. */
  readonly threads: number;
}

export const defaultRetention: Retention = {
  bytesPerThread: 4 * 1024 * 1024,
  bytesInAll: 64 * 1024 * 1024,
  ageMs: 30 * 60_000,
  threads: 10_000,
};

/** How often what is too old is looked for, in parts of the age. */
const sweepsPerAge = 10;
/** An epoch: this run of the host, and the log's number in it. */
const epochForm = /^([\w-]{11})\.[0-9a-z]+$/;

export class ThreadLogs {
  readonly #retention: Retention;
  /** The one that was quiet for longest stands first. */
  readonly #logs = new Map<ThreadId, ThreadLog>();
  readonly #run = randomBytes(8).toString("base64url");
  #begun = 0;
  #bytes = 0;
  #sweep: NodeJS.Timeout | undefined;

  constructor(retention: Retention) {
    this.#retention = retention;
  }

  /** Bytes of memory that all logs hold. */
  get bytes(): number {
    return this.#bytes;
  }

  find(threadId: ThreadId): ThreadLog | undefined {
    return this.#logs.get(threadId);
  }

  /** The thread's log, begun if there is none. */
  of(threadId: ThreadId): ThreadLog {
    return this.#logs.get(threadId) ?? this.#begin(threadId);
  }

  /** The thread is gone for good. */
  forget(threadId: ThreadId): void {
    this.#logs.get(threadId)?.clear();
    this.#logs.delete(threadId);
  }

  /** What somebody can be given who has everything up to `since`. */
  outlook(threadId: ThreadId, { epoch, seq }: StreamPosition): Outlook {
    const log = this.#logs.get(threadId);
    if (log?.epoch !== epoch) return { kind: "gap", reason: this.#strangeEpoch(epoch) };
    if (seq > log.head) return { kind: "gap", reason: "ahead" };
    if (seq < log.first - 1) return { kind: "gap", reason: "retention" };
    return { kind: "replay", events: log.head - seq, bytes: log.bytesAfter(seq) };
  }

  close(): void {
    clearTimeout(this.#sweep);
    for (const threadId of this.#logs.keys()) this.forget(threadId);
  }

  #strangeEpoch(epoch: string): GapReason {
    const run = epochForm.exec(epoch)?.[1];
    if (run === undefined) return "unknownEpoch";
    return run === this.#run ? "retention" : "restarted";
  }

  #begin(threadId: ThreadId): ThreadLog {
    const epoch = `${this.#run}.${(this.#begun++).toString(36)}`;
    const log = new ThreadLog(epoch, (bytes) => this.#grew(threadId, log, bytes));
    this.#logs.set(threadId, log);
    const [quietest] = this.#logs.keys();
    if (this.#logs.size > this.#retention.threads && quietest) this.forget(quietest);
    return log;
  }

  /** Runs when memory is taken or given back, not for every event. */
  #grew(threadId: ThreadId, log: ThreadLog, bytes: number): void {
    this.#bytes += bytes;
    if (bytes < 0) return;
    this.#logs.delete(threadId);
    this.#logs.set(threadId, log);
    while (log.capacity > this.#retention.bytesPerThread && log.dropOldest());
    if (this.#bytes > this.#retention.bytesInAll) this.#makeRoom();
    this.#sweep ??= this.#sweepLater();
  }

  #makeRoom(): void {
    for (const log of this.#logs.values()) {
      while (this.#bytes > this.#retention.bytesInAll && log.dropOldest());
      if (this.#bytes <= this.#retention.bytesInAll) return;
    }
  }

  #sweepLater(): NodeJS.Timeout {
    const { ageMs } = this.#retention;
    return setTimeout(() => {
      this.#sweep = undefined;
      for (const log of this.#logs.values()) log.dropUntil(Date.now() - ageMs);
      if (this.#bytes > 0) this.#sweep = this.#sweepLater();
    }, ageMs / sweepsPerAge).unref();
  }
}
