/**
 * A thread up to one of its turns: as the beginning of a fork, which is a copy made inside the
 * database, or as all that is left of it.
 */
import type { ThreadId } from "../../protocol/ids.ts";
import type { ForkCut, ThreadMeta, ThreadRecord } from "../port.ts";
import { encodeHead, freshState } from "../rollout/encode.ts";
import { ForkScan } from "../rollout/fork-point.ts";
import type { ForkPoint } from "../rollout/fork-point.ts";
import type { PostgresDatabase } from "./database.ts";
import { batchesAfter } from "./history-batches.ts";
import { bytesOf, knownBytes, listedMeta, newColumns, newValues } from "./thread-rows.ts";

/** What of the source is kept: whole batches up to `batch`, and of the next one the first lines. */
export interface CopyEnd {
  readonly batch: number;
  readonly rest: readonly string[];
}

export interface ForkSource {
  readonly point: ForkPoint;
  readonly copy: CopyEnd;
}

export interface ForkReading {
  readonly cut: ForkCut;
  /** Whether the source's last turn goes on. */
  readonly isRunning: boolean;
  /** So many lines are kept where no turn is. */
  readonly leastLines: number;
}

/** Rejects with `StoreError`. */
export async function readForkSource(
  database: PostgresDatabase,
  source: ThreadId,
  { cut, isRunning, leastLines }: ForkReading,
): Promise<ForkSource> {
  const scan = new ForkScan();
  const seen: { readonly batch: number; readonly lineCount: number }[] = [];
  for await (const { batch, lines } of (await batchesAfter(database, source)) ?? []) {
    scan.add(source, lines);
    seen.push({ batch, lineCount: lines.length });
  }
  const point = scan.finish(cut, isRunning);
  let left = point.end?.line ?? leastLines;
  let whole = 0;
  for (const { batch, lineCount } of seen) {
    if (lineCount > left) {
      const rest = left === 0 ? [] : await firstLines(database, source, whole, left);
      return { point, copy: { batch: whole, rest } };
    }
    left -= lineCount;
    whole = batch;
  }
  return { point, copy: { batch: whole, rest: [] } };
}

async function firstLines(
  database: PostgresDatabase,
  source: ThreadId,
  after: number,
  count: number,
): Promise<readonly string[]> {
  for await (const { lines } of (await batchesAfter(database, source, after)) ?? []) {
    return lines.slice(0, count);
  }
  return [];
}

export interface NewFork {
  readonly source: ThreadId;
  readonly meta: ThreadMeta;
  readonly record: ThreadRecord;
  readonly from: ForkSource;
  /** The host that writes it. */
  readonly writer: string;
  readonly nowMs: number;
}

/** All of it or nothing. Rejects with `StoreError`. */
export async function storeFork(
  database: PostgresDatabase,
  { source, meta, record, from, writer, nowMs }: NewFork,
): Promise<{ readonly nextOrdinal: number; readonly lastBatch: number }> {
  const head = encodeHead(freshState(meta.id, "paginated"), meta, nowMs);
  const { copy, point } = from;
  const nextOrdinal = (point.end?.ordinal ?? 0) + 1;
  const rows: [number, readonly string[]][] = [[1, head.lines]];
  const lastBatch = copy.batch + (copy.rest.length > 0 ? 2 : 1);
  if (copy.rest.length > 0) rows.push([lastBatch, copy.rest]);
  await database.transaction("save the fork", async (query) => {
    // A second attempt begins where the first one did.
    await query("DELETE FROM farhelm.threads WHERE id = $1 AND writer = $2", [meta.id, writer]);
    await query(
      `INSERT INTO farhelm.threads (${newColumns}, begun, next_ordinal, last_batch, model, effort)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, true, $14, $15, $16, $17)`,
      [
        ...newValues(listedMeta(meta), record, writer),
        nextOrdinal,
        lastBatch,
        knownBytes(record.model),
        knownBytes(record.effort),
      ],
    );
    await query(
      `INSERT INTO farhelm.history SELECT $1, batch + 1, line_count, lines FROM farhelm.history
       WHERE thread_id = $2 AND batch <= $3`,
      [meta.id, source, copy.batch],
    );
    for (const [batch, lines] of rows) {
      await query(insertSql, [meta.id, batch, ...linesOf(lines)]);
    }
  });
  return { nextOrdinal, lastBatch };
}

export interface Reverted {
  /** As it is from now on. */
  readonly record: ThreadRecord;
  readonly from: ForkSource;
  /** The last one that was written until now. */
  readonly lastBatch: number;
}

/** All of it or nothing. Rejects with `StoreError`. */
export async function storeRevert(
  database: PostgresDatabase,
  { record, from, lastBatch }: Reverted,
): Promise<void> {
  const { id, preview, updatedAtMs } = record;
  const { copy, point } = from;
  // Under a number of its own: who has read the batches that go now must not take it for one of them.
  const ownBatch = lastBatch + 1;
  await database.transaction("take turns back", async (query) => {
    await query(
      `UPDATE farhelm.threads SET last_batch = $2, next_ordinal = $3, preview = $4, updated_at = $5
       WHERE id = $1`,
      [id, ownBatch, point.end?.ordinal ?? 1, bytesOf(preview), Math.floor(updatedAtMs)],
    );
    await query("DELETE FROM farhelm.history WHERE thread_id = $1 AND batch > $2", [
      id,
      copy.batch,
    ]);
    if (copy.rest.length > 0) await query(insertSql, [id, ownBatch, ...linesOf(copy.rest)]);
  });
}

const insertSql = "INSERT INTO farhelm.history VALUES ($1, $2, $3, $4)";
const linesOf = (lines: readonly string[]): [number, string] => [lines.length, lines.join("\n")];
