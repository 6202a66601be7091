/** The calls that may come twice, in Postgres: each host has its own among them. */
import { randomUUID } from "node:crypto";
import { CallTally } from "../call-tally.ts";
import { callLedgerLimits } from "../port.ts";
import type { CallId, CallLedger, KeptCall } from "../port.ts";
import type { PostgresDatabase, Row } from "./database.ts";
import { bytesOf } from "./thread-rows.ts";

/** So many old calls go at a time: what a call waits for is short, and more go than come. */
const sweptAtOnce = 200;

export interface PostgresCallLedgerOptions {
  readonly database: PostgresDatabase;
  readonly installation: string;
  readonly nowMs?: () => number;
  readonly limits?: typeof callLedgerLimits;
}

export class PostgresCallLedger implements CallLedger {
  readonly #database: PostgresDatabase;
  readonly #installation: string;
  readonly #nowMs: () => number;
  readonly #limits: typeof callLedgerLimits;
  #tally: CallTally;
  /** No kept call is older. */
  #oldestMs = Infinity;

  constructor(options: PostgresCallLedgerOptions) {
    const { database, installation, nowMs = Date.now, limits = callLedgerLimits } = options;
    this.#database = database;
    this.#installation = installation;
    this.#nowMs = nowMs;
    this.#limits = limits;
    this.#tally = new CallTally(limits);
  }

  /** Counts what is kept; before anything else. Rejects with `StoreError`. */
  async load(): Promise<void> {
    await this.#query("DELETE FROM farhelm.calls WHERE begun_at_ms <= $1", [this.#keptSinceMs()]);
    const rows = await this.#query(
      `SELECT principal, count(*) AS calls, sum(answer_bytes) AS bytes, min(begun_at_ms) AS oldest
       FROM farhelm.calls WHERE installation = $1 GROUP BY principal`,
      [this.#installation],
    );
    this.#tally = new CallTally(this.#limits);
    for (const row of rows) {
      const counted = { calls: Number(row["calls"]), bytes: Number(row["bytes"]) };
      this.#tally.count(textIn(row["principal"]), counted);
      this.#oldestMs = Math.min(this.#oldestMs, Number(row["oldest"]));
    }
  }

  async begin(id: CallId, digest: string): Promise<"new" | "full" | KeptCall> {
    await this.#sweep();
    const { principalId } = id;
    if (!this.#tally.hasRoom(principalId)) return this.#found(id);
    const one = { calls: 1, bytes: 0 };
    this.#tally.count(principalId, one);
    const attempt = randomUUID();
    const nowMs = this.#nowMs();
    try {
      // Where the row is there, it stays as it is; a second attempt after a break knows its own.
      const [row] = await this.#query(
        `INSERT INTO farhelm.calls AS c (installation, principal, key, digest, begun_at_ms, attempt)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (installation, principal, key) DO UPDATE SET attempt = c.attempt
         RETURNING *, attempt = $6 AS is_new`,
        [...this.#key(id), digest, nowMs, attempt],
      );
      if (row?.["is_new"] === true) {
        this.#oldestMs = Math.min(this.#oldestMs, nowMs);
        return "new";
      }
      this.#tally.count(principalId, { calls: -1, bytes: 0 });
      return keptCall(row);
    } catch (error) {
      this.#tally.count(principalId, { calls: -1, bytes: 0 });
      throw error;
    }
  }

  async finish(id: CallId, answer: string | null): Promise<void> {
    const { principalId } = id;
    const length = answer === null ? 0 : Buffer.byteLength(answer);
    const keeps = this.#tally.fits(principalId, length);
    const bytes = keeps ? length : 0;
    this.#tally.count(principalId, { calls: 0, bytes });
    const undo = (): void => this.#tally.count(principalId, { calls: 0, bytes: -bytes });
    try {
      const rows = await this.#query(
        `UPDATE farhelm.calls SET ended = true, answer = $4, answer_bytes = $5
         WHERE installation = $1 AND principal = $2 AND key = $3 AND NOT ended RETURNING 1`,
        [...this.#key(id), keeps ? answer : null, bytes],
      );
      if (rows.length === 0) undo();
    } catch (error) {
      undo();
      throw error;
    }
  }

  async forget(principalId: string): Promise<void> {
    await this.#query("DELETE FROM farhelm.calls WHERE installation = $1 AND principal = $2", [
      this.#installation,
      bytesOf(principalId),
    ]);
    this.#tally.drop(principalId);
  }

  /** A call that is known, where no other one fits. */
  async #found(id: CallId): Promise<"full" | KeptCall> {
    const [row] = await this.#query(
      "SELECT * FROM farhelm.calls WHERE installation = $1 AND principal = $2 AND key = $3",
      this.#key(id),
    );
    return row === undefined ? "full" : keptCall(row);
  }

  async #sweep(): Promise<void> {
    const keptSinceMs = this.#keptSinceMs();
    while (this.#oldestMs <= keptSinceMs) {
      const rows = await this.#query(
        `DELETE FROM farhelm.calls WHERE ctid = ANY(ARRAY(
           SELECT ctid FROM farhelm.calls WHERE installation = $1 AND begun_at_ms <= $2
           ORDER BY begun_at_ms LIMIT ${sweptAtOnce}))
         RETURNING principal, answer_bytes`,
        [this.#installation, keptSinceMs],
      );
      for (const row of rows) {
        const gone = { calls: -1, bytes: -Number(row["answer_bytes"]) };
        this.#tally.count(textIn(row["principal"]), gone);
      }
      if (rows.length === sweptAtOnce) continue;
      const [left] = await this.#query(
        "SELECT min(begun_at_ms) AS oldest FROM farhelm.calls WHERE installation = $1",
        [this.#installation],
      );
      const oldest = left?.["oldest"];
      this.#oldestMs = oldest === null ? Infinity : Number(oldest);
    }
  }

  #keptSinceMs(): number {
    return this.#nowMs() - this.#limits.keptForMs;
  }

  #key({ principalId, key }: CallId): [string, Buffer, Buffer] {
    return [this.#installation, bytesOf(principalId), bytesOf(key)];
  }

  #query(...[sql, values]: [string, Parameters<PostgresDatabase["query"]>[2]]) {
    return this.#database.query("write down what becomes of a call", sql, values);
  }
}

const textIn = (stored: unknown): string =>
  Buffer.isBuffer(stored) ? stored.toString("utf8") : "";

function keptCall(row: Row | undefined): KeptCall {
  const digest = String(row?.["digest"]);
  if (row?.["ended"] !== true) return { kind: "begun", digest };
  const { answer } = row;
  return { kind: "ended", digest, answer: typeof answer === "string" ? answer : null };
}
