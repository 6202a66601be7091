/** One thread that this host writes: a queue of batches in front of its rows. */
import type { GitInfo } from "../../protocol/thread.ts";
import { AppendQueue } from "../append-queue.ts";
import type { HistoryEvent, ThreadMeta, ThreadRecord, ThreadWriter } from "../port.ts";
import { StoreError } from "../port.ts";
import type { EncoderState } from "../rollout/encode.ts";
import { encodeEvents, encodeHead } from "../rollout/encode.ts";
import { encodeMeta } from "../rollout/meta-coding.ts";
import { noted } from "../thread-record.ts";
import type { PostgresDatabase } from "./database.ts";
import { bytesOf, knownBytes, listedMeta, newValues } from "./thread-rows.ts";
import { reserveSql } from "./thread-table.ts";

export interface WriterParts {
  readonly database: PostgresDatabase;
  /** This host's name in `threads.writer`. */
  readonly token: string;
  readonly record: ThreadRecord;
  readonly state: EncoderState;
  /** Set for a thread without a history. */
  readonly meta: ThreadMeta | undefined;
  readonly lastBatch: number;
  readonly nowMs: () => number;
  closed(): Promise<void>;
}

interface Batch {
  readonly meta: ThreadMeta | undefined;
  readonly lines: readonly string[];
  readonly record: ThreadRecord;
  readonly nextOrdinal: number;
}

export class PostgresWriter implements ThreadWriter {
  /** Still without a history, as it was before a restart. */
  wasReserved = false;
  readonly #parts: WriterParts;
  readonly #queue: AppendQueue<HistoryEvent>;
  #state: EncoderState;
  #record: ThreadRecord;
  /** Until the first line is written. */
  #meta: ThreadMeta | undefined;
  /** The last one that is known to be stored. */
  #storedBatch: number;
  /** The last number that was used: another one for every attempt with other lines. */
  #usedBatch: number;
  #reserving: Promise<void> | undefined;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#queue = new AppendQueue({
      write: (events) => this.#write(events),
      ready: () => this.reserved(),
    });
    this.#state = parts.state;
    this.#record = parts.record;
    this.#meta = parts.meta;
    this.#storedBatch = parts.lastBatch;
    this.#usedBatch = parts.lastBatch;
  }

  /** Whether the thread has a history. */
  get begun(): boolean {
    return this.#meta === undefined;
  }

  /** `done`: the row that keeps a thread which nobody said anything in yet; it does not reject. */
  reserving(done: Promise<void>): void {
    this.#reserving = done;
  }

  append(events: readonly HistoryEvent[]): Promise<void> {
    return this.#queue.add(events);
  }

  get record(): ThreadRecord {
    return this.#record;
  }

  /** What is in the thread's row by another way; for a row that could not be made at the start. */
  note(more: { readonly name?: string; readonly gitInfo?: GitInfo | null }): void {
    this.#record = { ...this.#record, ...more };
    if (this.#meta && more.gitInfo !== undefined)
      this.#meta = { ...this.#meta, gitInfo: more.gitInfo };
  }

  /** Waits for the row of a new thread. */
  async reserved(): Promise<void> {
    await this.#reserving;
  }

  /** Waits for what is queued. */
  async settled(): Promise<void> {
    await this.#reserving;
    await this.#queue.settled();
  }

  async close(): Promise<void> {
    if (this.#queue.isClosed) return;
    await this.#queue.close();
    await this.#reserving;
    await this.#parts.closed();
  }

  async #write(events: readonly HistoryEvent[]): Promise<void> {
    const nowMs = this.#parts.nowMs();
    const meta = this.#meta;
    const head = meta && encodeHead(this.#state, meta, nowMs);
    const body = encodeEvents(head?.state ?? this.#state, events, nowMs);
    const lines = [...(head?.lines ?? []), ...body.lines];
    if (lines.length === 0) return;
    const record = events.reduce<ThreadRecord>(noted, { ...this.#record, updatedAtMs: nowMs });
    await this.#store({ meta, lines, record, nextOrdinal: body.state.nextOrdinal });
    this.#storedBatch = this.#usedBatch;
    this.#state = body.state;
    this.#meta = undefined;
    this.wasReserved = false;
    this.#record = record;
  }

  /**
   * The row, if it is still this host's, the lines, and away with those of an attempt that was
   * reported as failed. The same batch twice is as once.
   */
  async #store({ meta, lines, record, nextOrdinal }: Batch): Promise<void> {
    const { database, token } = this.#parts;
    this.#usedBatch += 1;
    const values = [
      record.id,
      token,
      this.#usedBatch,
      this.#storedBatch,
      lines.length,
      lines.join("\n"),
      Math.floor(record.updatedAtMs),
      Math.floor(record.recencyAtMs),
      bytesOf(record.preview),
      knownBytes(record.model),
      knownBytes(record.effort),
      nextOrdinal,
      meta === undefined ? null : JSON.stringify(encodeMeta(listedMeta(meta))),
    ];
    const [found] =
      meta === undefined
        ? await database.query(saving, appendSql, values)
        : await database.transaction(saving, async (query) => {
            await query(reserveSql, newValues(meta, record, token));
            return query(appendSql, values);
          });
    if (Number(found?.["held"]) === 1) return;
    throw new StoreError(
      "busy",
      `Thread ${record.id} is written by another host by now, or was deleted there. Read it again before you go on.`,
    );
  }
}

const saving = "save the thread's history";

const appendSql = `WITH held AS (
    UPDATE farhelm.threads
    SET begun = true, last_batch = $3, updated_at = $7, recency_at = $8, preview = $9, model = $10,
      effort = $11, next_ordinal = $12, meta = coalesce($13, meta)
    WHERE id = $1 AND writer = $2 AND last_batch <= $3
    RETURNING id
  ), undone AS (
    DELETE FROM farhelm.history USING held
    WHERE thread_id = held.id AND batch > $4 AND batch < $3
  ), added AS (
    INSERT INTO farhelm.history SELECT id, $3::bigint, $5::integer, $6::text FROM held
    ON CONFLICT DO NOTHING
  )
  SELECT count(*) AS held FROM held`;
