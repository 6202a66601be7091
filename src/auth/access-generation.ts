/**
 * Counts how often access was taken away on this host. A database that was restored from a backup has forgotten
 * some of that: it counts less than its devices heard, and then nobody comes in before an admin has looked.
 */
import type { AuditWho } from "../audit/port.ts";
import type { Database } from "../db/database.ts";
import type { HostTokens } from "./host-tokens.ts";
import { refusal } from "./refusals.ts";

/** What a device says that it heard: the count, and the host's signed word for it. */
export interface KnownGeneration {
  readonly knownGeneration?: number | undefined;
  readonly generationStatement?: string | undefined;
}

export interface StatedGeneration {
  readonly accessGeneration: number;
  readonly generationStatement: string;
}

/** Somebody proved that this host once counted `generation`, which is more than it does now. */
export interface RestoreFinding {
  readonly generation: number;
  /** The id of the device that proved it first. */
  readonly deviceId: string;
  /** Unix time in milliseconds. */
  readonly foundAtMs: number;
}

const migrations = [
  `CREATE TABLE auth_generation (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     generation INTEGER NOT NULL,
     found_generation INTEGER,
     found_by TEXT,
     found_at_ms INTEGER
   ) STRICT;
   INSERT INTO auth_generation (one, generation) VALUES (1, 0);`,
];

export class AccessGeneration {
  readonly #tokens: HostTokens;
  readonly #nowMs: () => number;
  readonly #statements;
  #last: { readonly accessGeneration: number; readonly statement: Promise<string> } | undefined;

  constructor(database: Database, tokens: HostTokens, nowMs: () => number) {
    database.migrate("auth-generation", migrations);
    this.#tokens = tokens;
    this.#nowMs = nowMs;
    this.#statements = {
      read: database.prepare("SELECT * FROM auth_generation"),
      raise: database.prepare("UPDATE auth_generation SET generation = generation + 1"),
      find: database.prepare(
        `UPDATE auth_generation SET found_generation = max(coalesce(found_generation, 0), ?),
           found_by = coalesce(found_by, ?), found_at_ms = coalesce(found_at_ms, ?)`,
      ),
      confirm: database.prepare(
        `UPDATE auth_generation SET generation = max(generation, coalesce(found_generation, 0)) + 1,
           found_generation = NULL, found_by = NULL, found_at_ms = NULL`,
      ),
    };
  }

  get current(): number {
    return Number(this.#statements.read.get()?.["generation"]);
  }

  /** Present while the host is locked. */
  get finding(): RestoreFinding | undefined {
    const row = this.#statements.read.get();
    if (typeof row?.["found_generation"] !== "number") return undefined;
    return {
      generation: row["found_generation"],
      deviceId: String(row["found_by"]),
      foundAtMs: Number(row["found_at_ms"]),
    };
  }

  /** Belongs into the transaction that takes the access away. */
  raise(): void {
    this.#statements.raise.run();
  }

  /** Above everything that was heard of; ends the lock. */
  confirm(): void {
    this.#statements.confirm.run();
  }

  /** The count as it is now with the host's word for it, for devices to keep. */
  async stated(): Promise<StatedGeneration> {
    const accessGeneration = this.current;
    if (this.#last?.accessGeneration !== accessGeneration) {
      const statement = this.#tokens.stateGeneration(accessGeneration);
      this.#last = { accessGeneration, statement };
    }
    return { accessGeneration, generationStatement: await this.#last.statement };
  }

  /** What a device knows, or null. A count above the host's own needs the host's word. Throws `AuthError`. */
  async read(
    { knownGeneration, generationStatement }: KnownGeneration,
    who: AuditWho,
  ): Promise<number | null> {
    if (knownGeneration === undefined) return null;
    if (knownGeneration <= this.current) return knownGeneration;
    const stated = await this.#tokens.readGeneration(generationStatement ?? "");
    if (stated !== knownGeneration) throw refusal("generation_unproved", who);
    return knownGeneration;
  }

  /** A device signed that it knows this count. True when that locked the host just now. */
  proved(deviceId: string, knownGeneration: number | null): boolean {
    if (knownGeneration === null || knownGeneration <= this.current) return false;
    const wasOpen = this.finding === undefined;
    this.#statements.find.run(knownGeneration, deviceId, this.#nowMs());
    return wasOpen;
  }

  /** Throws `AuthError` while the host is locked. */
  checkOpen(who: AuditWho): void {
    if (this.finding !== undefined) throw refusal("host_restored", who);
  }
}
