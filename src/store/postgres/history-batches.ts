/** A thread's lines in Postgres: one row for every batch that was appended, read a few at a time. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ThreadId } from "../../protocol/ids.ts";
import { StoreError } from "../port.ts";
import type { PostgresDatabase } from "./database.ts";

export interface HistoryBatch {
  readonly batch: number;
  readonly lines: readonly string[];
  readonly bytes: number;
}

/** One answer of the database; a batch that is larger comes alone. */
const answerBytes = 2 * 1024 * 1024;
/** About 2 ms of parsing. */
const sliceBytes = 256 * 1024;
const doing = "read the thread's history";

interface Size {
  readonly batch: number;
  readonly bytes: number;
}

/**
 * The batches after number `after`, oldest first; undefined where that one is not there (any more).
 * Rejects with `StoreError`. A thread that is removed while it is read rejects as well (`notFound`):
 * never half of a history.
 */
export async function batchesAfter(
  database: PostgresDatabase,
  threadId: ThreadId,
  after = 0,
): Promise<AsyncGenerator<HistoryBatch> | undefined> {
  const found = await database.query(
    doing,
    "SELECT batch, octet_length(lines) AS bytes FROM farhelm.history WHERE thread_id = $1 AND batch >= $2 ORDER BY batch",
    [threadId, after],
  );
  const sizes = found.map((row) => ({ batch: Number(row["batch"]), bytes: Number(row["bytes"]) }));
  if (after !== 0 && sizes.shift()?.batch !== after) return undefined;
  return read(database, threadId, sizes);
}

async function* read(
  database: PostgresDatabase,
  threadId: ThreadId,
  sizes: readonly Size[],
): AsyncGenerator<HistoryBatch> {
  let sinceTurn = 0;
  for (const [first, last, count] of spans(sizes)) {
    const rows = await database.query(
      doing,
      "SELECT batch, lines FROM farhelm.history WHERE thread_id = $1 AND batch BETWEEN $2 AND $3 ORDER BY batch",
      [threadId, first, last],
    );
    if (rows.length < count) {
      throw new StoreError("notFound", `Thread ${threadId} was changed while it was read.`);
    }
    for (const row of rows) {
      const text = String(row["lines"]);
      yield { batch: Number(row["batch"]), lines: text.split("\n"), bytes: text.length };
      sinceTurn += text.length;
      if (sinceTurn < sliceBytes) continue;
      sinceTurn = 0;
      await nextTurn();
    }
  }
}

/** First and last batch of each answer, and how many there are. */
function spans(sizes: readonly Size[]): [first: number, last: number, count: number][] {
  const made: [number, number, number][] = [];
  let bytes = Infinity;
  for (const size of sizes) {
    const open = made.at(-1);
    bytes += size.bytes;
    if (open === undefined || bytes > answerBytes) {
      made.push([size.batch, size.batch, 1]);
      bytes = size.bytes;
    } else {
      open[1] = size.batch;
      open[2] += 1;
    }
  }
  return made;
}
