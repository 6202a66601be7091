/** Devices and headless tokens in Farhelm's database: who may come in, as what, until when. */
import type { Database, Row } from "../db/database.ts";
import { Role, Scope } from "../protocol/principal.ts";
import { durably } from "./durably.ts";

interface RecordBase {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** Unix times in milliseconds. */
  readonly createdAtMs: number;
  readonly lastSeenAtMs: number | null;
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
  /** When `role` gives way to a weaker one by itself. */
  readonly roleUntilMs: number | null;
  /** What it gives way to. */
  readonly roleAfter: Role | null;
  /** Null: the whole host. */
  readonly scope: Scope | null;
}

export interface DeviceKey {
  readonly keyId: string;
  readonly publicKeySpki: Buffer;
  readonly thumbprint: string;
  readonly identityDigest: string;
}

export interface DeviceRecord extends RecordBase {
  readonly kind: "device";
  readonly key: DeviceKey;
}

interface HeadlessRecord extends RecordBase {
  readonly kind: "headless";
}

export type AccessRecord = DeviceRecord | HeadlessRecord;

/** What an admin changes of an access; what is absent stays. */
export interface AccessChange {
  readonly name?: string;
  /** For good, or until `untilMs`; then what holds now holds again. */
  readonly role?: { readonly role: Role; readonly untilMs: number | null };
  readonly expiresAtMs?: number | null;
  readonly scope?: Scope | null;
}

/** An access, or its role, whose time is over. */
interface Ended {
  readonly id: string;
  readonly what: "access" | "role";
}

interface NewAccess {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly expiresAtMs: number | null;
}

/** Every pairing is a row of its own: a key that was revoked and is paired again gets a new id. */
const migrations = [
  `CREATE TABLE auth_access (
     id TEXT PRIMARY KEY,
     kind TEXT NOT NULL CHECK (kind IN ('device', 'headless')),
     name TEXT NOT NULL,
     role TEXT NOT NULL,
     created_at_ms INTEGER NOT NULL,
     last_seen_at_ms INTEGER,
     expires_at_ms INTEGER,
     revoked_at_ms INTEGER,
     key_id TEXT,
     public_key_spki_base64 TEXT,
     thumbprint TEXT,
     identity_digest TEXT
   ) STRICT;
   CREATE UNIQUE INDEX auth_access_live_key ON auth_access (thumbprint)
     WHERE thumbprint IS NOT NULL AND revoked_at_ms IS NULL;
   CREATE INDEX auth_access_expiry ON auth_access (expires_at_ms) WHERE revoked_at_ms IS NULL;`,
  `ALTER TABLE auth_access ADD COLUMN role_until_ms INTEGER;
   ALTER TABLE auth_access ADD COLUMN role_after TEXT;
   ALTER TABLE auth_access ADD COLUMN scope TEXT;`,
];

/** `lastSeenAtMs` is written at most this often for one record. */
const seenStepMs = 60_000;

export class DeviceRegistry {
  readonly #database: Database;
  readonly #generation: { raise(): void };
  readonly #nowMs: () => number;
  readonly #statements;

  /** `generation` is raised with every access that is taken away, in the same transaction. */
  constructor(database: Database, generation: { raise(): void }, nowMs: () => number) {
    database.migrate("auth", migrations);
    this.#database = database;
    this.#generation = generation;
    this.#nowMs = nowMs;
    this.#statements = {
      insert: database.prepare(
        `INSERT INTO auth_access (id, kind, name, role, created_at_ms, expires_at_ms,
           key_id, public_key_spki_base64, thumbprint, identity_digest)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      byId: database.prepare("SELECT * FROM auth_access WHERE id = ?"),
      liveByKey: database.prepare(
        "SELECT * FROM auth_access WHERE thumbprint = ? AND revoked_at_ms IS NULL",
      ),
      live: database.prepare(
        `SELECT * FROM auth_access
         WHERE revoked_at_ms IS NULL AND (expires_at_ms IS NULL OR expires_at_ms > ?)
         ORDER BY created_at_ms, rowid`,
      ),
      revoke: database.prepare("UPDATE auth_access SET revoked_at_ms = ? WHERE id = ?"),
      seen: database.prepare("UPDATE auth_access SET last_seen_at_ms = ? WHERE id = ?"),
      nextExpiry: database.prepare(
        `SELECT MIN(at_ms) AS at_ms FROM (
           SELECT expires_at_ms AS at_ms FROM auth_access WHERE revoked_at_ms IS NULL
           UNION ALL SELECT role_until_ms FROM auth_access WHERE revoked_at_ms IS NULL
         ) WHERE at_ms > ?`,
      ),
      endedIn: database.prepare(
        `SELECT id, what FROM (
           SELECT id, 'access' AS what, expires_at_ms AS at_ms FROM auth_access WHERE revoked_at_ms IS NULL
           UNION ALL SELECT id, 'role', role_until_ms FROM auth_access WHERE revoked_at_ms IS NULL
         ) WHERE at_ms > ? AND at_ms <= ? ORDER BY at_ms`,
      ),
      change: database.prepare(
        `UPDATE auth_access SET name = ?, role = ?, role_until_ms = ?, role_after = ?, expires_at_ms = ?,
           scope = ? WHERE id = ?`,
      ),
    };
  }

  /**
   * Makes a device. A key is in one live record at most: an earlier one of the same key is revoked,
   * and its id is returned.
   */
  addDevice(access: NewAccess & { readonly key: DeviceKey }): string | undefined {
    return durably(this.#database, () => {
      const earlier = this.#statements.liveByKey.get(access.key.thumbprint);
      const replaced = earlier === undefined ? undefined : text(earlier, "id");
      if (replaced !== undefined) this.#markRevoked(replaced);
      this.#insert("device", access, access.key);
      return replaced;
    });
  }

  addHeadless(access: NewAccess): void {
    this.#insert("headless", access, undefined);
  }

  find(id: string): AccessRecord | undefined {
    const row = this.#statements.byId.get(id);
    return row === undefined ? undefined : recordOf(row, this.#nowMs());
  }

  /** Neither revoked nor expired, oldest first. */
  live(): AccessRecord[] {
    const nowMs = this.#nowMs();
    return this.#statements.live.all(nowMs).map((row) => recordOf(row, nowMs));
  }

  /** True when this call revoked it; false when there is none of that id or it was revoked before. */
  revoke(id: string): boolean {
    return durably(this.#database, () => {
      const record = this.find(id);
      if (record === undefined || record.revokedAtMs !== null) return false;
      this.#markRevoked(id);
      return true;
    });
  }

  /** Everything that was live; their ids. */
  revokeAll(): string[] {
    return durably(this.#database, () => {
      const ids = this.live().map(({ id }) => id);
      for (const id of ids) this.#markRevoked(id);
      return ids;
    });
  }

  /** A new name alone takes nothing away and leaves the generation as it is. */
  change(before: AccessRecord, { name, role, expiresAtMs, scope }: AccessChange): void {
    const roles =
      role === undefined
        ? { role: before.role, untilMs: before.roleUntilMs, after: before.roleAfter }
        : { ...role, after: role.untilMs === null ? null : (before.roleAfter ?? before.role) };
    const ends = expiresAtMs === undefined ? before.expiresAtMs : expiresAtMs;
    const scoped = scope === undefined ? before.scope : scope;
    const limits = [role, expiresAtMs, scope].some((limit) => limit !== undefined);
    durably(this.#database, () => {
      this.#statements.change.run(
        name ?? before.name,
        roles.role,
        roles.untilMs,
        roles.after,
        ends,
        scoped && JSON.stringify(scoped),
        before.id,
      );
      if (limits) this.#generation.raise();
    });
  }

  markSeen(record: AccessRecord): void {
    const nowMs = this.#nowMs();
    if (record.lastSeenAtMs !== null && nowMs - record.lastSeenAtMs < seenStepMs) return;
    this.#statements.seen.run(nowMs, record.id);
  }

  nextExpiryMs(afterMs: number): number | undefined {
    const atMs = this.#statements.nextExpiry.get(afterMs)?.["at_ms"];
    return typeof atMs === "number" ? atMs : undefined;
  }

  /** Whose time, or whose role's, ended after `fromMs`, until and with `toMs`. */
  endedBetween(fromMs: number, toMs: number): Ended[] {
    return this.#statements.endedIn
      .all(fromMs, toMs)
      .map((row) => ({ id: text(row, "id"), what: row["what"] === "role" ? "role" : "access" }));
  }

  #markRevoked(id: string): void {
    this.#statements.revoke.run(this.#nowMs(), id);
    this.#generation.raise();
  }

  #insert(kind: "device" | "headless", access: NewAccess, key: DeviceKey | undefined): void {
    this.#statements.insert.run(
      access.id,
      kind,
      access.name,
      access.role,
      this.#nowMs(),
      access.expiresAtMs,
      key?.keyId ?? null,
      key?.publicKeySpki.toString("base64") ?? null,
      key?.thumbprint ?? null,
      key?.identityDigest ?? null,
    );
  }
}

function recordOf(row: Row, nowMs: number): AccessRecord {
  const roleUntilMs = time(row, "role_until_ms");
  const roleIsOver = roleUntilMs !== null && roleUntilMs <= nowMs;
  const roleAfter = row["role_after"] === null ? null : Role.parse(row["role_after"]);
  const base = {
    id: text(row, "id"),
    name: text(row, "name"),
    role: roleIsOver && roleAfter !== null ? roleAfter : Role.parse(row["role"]),
    roleUntilMs: roleIsOver ? null : roleUntilMs,
    roleAfter: roleIsOver ? null : roleAfter,
    scope: row["scope"] === null ? null : Scope.parse(JSON.parse(text(row, "scope"))),
    createdAtMs: Number(row["created_at_ms"]),
    lastSeenAtMs: time(row, "last_seen_at_ms"),
    expiresAtMs: time(row, "expires_at_ms"),
    revokedAtMs: time(row, "revoked_at_ms"),
  };
  if (row["kind"] === "headless") return { ...base, kind: "headless" };
  return {
    ...base,
    kind: "device",
    key: {
      keyId: text(row, "key_id"),
      publicKeySpki: Buffer.from(text(row, "public_key_spki_base64"), "base64"),
      thumbprint: text(row, "thumbprint"),
      identityDigest: text(row, "identity_digest"),
    },
  };
}

function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new Error(`stored column ${column} holds no text`);
  return value;
}

function time(row: Row, column: string): number | null {
  const value = row[column];
  return typeof value === "number" ? value : null;
}
