/** The calls that may come twice, in Farhelm's own database. */
import type { Database, Row, Statement } from "../../db/database.ts";
import { CallTally } from "../call-tally.ts";
import { callLedgerLimits } from "../port.ts";
import type { CallId, CallLedger, KeptCall } from "../port.ts";
import { storeFailure } from "./store-failure.ts";

const steps = [
  `CREATE TABLE store_calls (
     principal_id TEXT NOT NULL,
     key TEXT NOT NULL,
     digest TEXT NOT NULL,
     begun_at_ms INTEGER NOT NULL,
     ended INTEGER NOT NULL DEFAULT 0,
     answer TEXT,
     answer_bytes INTEGER NOT NULL DEFAULT 0,
     UNIQUE (principal_id, key)
   );
   CREATE INDEX store_calls_by_age ON store_calls (begun_at_ms)`,
];

/** So many old calls go at a time: what a call waits for is short, and more go than come. */
const sweptAtOnce = 200;

export interface LocalCallLedgerOptions {
  readonly database: Database;
  readonly nowMs?: () => number;
  readonly limits?: typeof callLedgerLimits;
}

export class LocalCallLedger implements CallLedger {
  readonly #database: Database;
  readonly #nowMs: () => number;
  readonly #limits: typeof callLedgerLimits;
  #tally: CallTally;
  #isStale = false;
  readonly #find: Statement;
  readonly #insert: Statement;
  readonly #end: Statement;
  readonly #expired: Statement;
  readonly #drop: Statement;

  constructor({ database, nowMs = Date.now, limits = callLedgerLimits }: LocalCallLedgerOptions) {
    this.#database = database;
    this.#nowMs = nowMs;
    this.#limits = limits;
    database.migrate("store-calls", steps);
    this.#find = database.prepare("SELECT * FROM store_calls WHERE principal_id = ? AND key = ?");
    this.#insert = database.prepare(
      "INSERT INTO store_calls (principal_id, key, digest, begun_at_ms) VALUES (?, ?, ?, ?)",
    );
    this.#end = database.prepare(
      `UPDATE store_calls SET ended = 1, answer = ?, answer_bytes = ?
       WHERE principal_id = ? AND key = ? AND ended = 0`,
    );
    this.#expired = database.prepare(
      `SELECT principal_id, key, answer_bytes FROM store_calls
       WHERE begun_at_ms <= ? ORDER BY begun_at_ms LIMIT ${sweptAtOnce}`,
    );
    this.#drop = database.prepare("DELETE FROM store_calls WHERE principal_id = ? AND key = ?");
    database.prepare("DELETE FROM store_calls WHERE begun_at_ms <= ?").run(this.#oldestMs());
    this.#tally = this.#counted();
  }

  async begin(id: CallId, digest: string): Promise<"new" | "full" | KeptCall> {
    return this.#tried("write down that a call begins", () => {
      if (this.#isStale) this.#tally = this.#counted();
      this.#isStale = false;
      this.#sweep();
      const { principalId, key } = id;
      const row = this.#find.get(principalId, key);
      if (row && Number(row["begun_at_ms"]) > this.#oldestMs()) return keptCall(row);
      if (row) this.#dropRow(row);
      if (!this.#tally.hasRoom(principalId)) return "full";
      this.#insert.run(principalId, key, digest, this.#nowMs());
      this.#tally.count(principalId, { calls: 1, bytes: 0 });
      return "new";
    });
  }

  async finish({ principalId, key }: CallId, answer: string | null): Promise<void> {
    this.#tried("write down that a call ended", () => {
      const row = this.#find.get(principalId, key);
      if (!row || row["ended"] !== 0) return;
      const length = answer === null ? 0 : Buffer.byteLength(answer);
      const keeps = this.#tally.fits(principalId, length);
      const bytes = keeps ? length : 0;
      this.#end.run(keeps ? answer : null, bytes, principalId, key);
      this.#tally.count(principalId, { calls: 0, bytes });
    });
  }

  async forget(principalId: string): Promise<void> {
    this.#tried("forget the calls of an access that ended", () => {
      this.#database.prepare("DELETE FROM store_calls WHERE principal_id = ?").run(principalId);
      this.#tally.drop(principalId);
    });
  }

  #oldestMs(): number {
    return this.#nowMs() - this.#limits.keptForMs;
  }

  #sweep(): void {
    for (const row of this.#expired.all(this.#oldestMs())) this.#dropRow(row);
  }

  #dropRow(row: Row): void {
    const principalId = String(row["principal_id"]);
    this.#drop.run(principalId, row["key"] ?? null);
    this.#tally.count(principalId, { calls: -1, bytes: -Number(row["answer_bytes"]) });
  }

  #counted(): CallTally {
    const tally = new CallTally(this.#limits);
    const rows = this.#database
      .prepare(
        `SELECT principal_id, COUNT(*) AS calls, SUM(answer_bytes) AS bytes
         FROM store_calls GROUP BY principal_id`,
      )
      .all();
    for (const { principal_id: id, calls, bytes } of rows) {
      tally.count(String(id), { calls: Number(calls), bytes: Number(bytes) });
    }
    return tally;
  }

  /** One transaction. The tally may have counted what a failed one did not keep. */
  #tried<T>(doing: string, work: () => T): T {
    try {
      return this.#database.transaction(work);
    } catch (error) {
      this.#isStale = true;
      throw storeFailure(error, doing);
    }
  }
}

const keptCall = (row: Row): KeptCall => {
  const digest = String(row["digest"]);
  if (row["ended"] === 0) return { kind: "begun", digest };
  const { answer = null } = row;
  return { kind: "ended", digest, answer: answer === null ? null : String(answer) };
};
