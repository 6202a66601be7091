/** Farhelm's tables in Postgres, and how they are brought up to date. */
import { StoreError } from "../port.ts";
import type { PostgresDatabase, Query } from "./database.ts";

/**
 * Oldest first, never edited once released. What people wrote stands in `bytea`, or as JSON in `text`:
 * a NUL can be in it, which Postgres takes in neither `text` nor `jsonb`. Ids sort by their bytes.
 */
const steps: readonly string[] = [
  `CREATE TABLE farhelm.threads (
     id text COLLATE "C" PRIMARY KEY,
     begun boolean NOT NULL,
     meta text NOT NULL,
     git text,
     created_at bigint NOT NULL,
     updated_at bigint NOT NULL,
     recency_at bigint NOT NULL,
     archived boolean NOT NULL DEFAULT false,
     cwd bytea NOT NULL,
     provider bytea NOT NULL,
     source_kind bytea NOT NULL,
     preview bytea NOT NULL,
     name bytea,
     model bytea,
     effort bytea,
     next_ordinal bigint NOT NULL,
     last_batch bigint NOT NULL,
     writer text
   );
   CREATE INDEX threads_created ON farhelm.threads (archived, created_at, id) WHERE begun;
   CREATE INDEX threads_updated ON farhelm.threads (archived, updated_at, id) WHERE begun;
   CREATE INDEX threads_recency ON farhelm.threads (archived, recency_at, id) WHERE begun;
   CREATE TABLE farhelm.history (
     thread_id text COLLATE "C" NOT NULL REFERENCES farhelm.threads ON DELETE CASCADE,
     batch bigint NOT NULL,
     line_count integer NOT NULL,
     lines text NOT NULL,
     PRIMARY KEY (thread_id, batch)
   );
   CREATE TABLE farhelm.notes (
     thread_id text COLLATE "C" NOT NULL,
     kind text NOT NULL,
     value text NOT NULL,
     PRIMARY KEY (thread_id, kind)
   );
   CREATE INDEX notes_kind ON farhelm.notes (kind);
   CREATE TABLE farhelm.note_labels (
     kind text NOT NULL,
     label bytea NOT NULL,
     thread_id text COLLATE "C" NOT NULL,
     position bigint NOT NULL,
     PRIMARY KEY (kind, label, thread_id)
   );
   CREATE INDEX note_labels_thread ON farhelm.note_labels (thread_id, kind);
   CREATE TABLE farhelm.calls (
     installation text NOT NULL,
     principal bytea NOT NULL,
     key bytea NOT NULL,
     digest text NOT NULL,
     begun_at_ms bigint NOT NULL,
     attempt text NOT NULL,
     ended boolean NOT NULL DEFAULT false,
     answer text,
     answer_bytes integer NOT NULL DEFAULT 0,
     PRIMARY KEY (installation, principal, key)
   );
   CREATE INDEX calls_by_age ON farhelm.calls (installation, begun_at_ms);
   CREATE TABLE farhelm.hosts (
     token text PRIMARY KEY,
     installation text NOT NULL,
     seen_at timestamptz NOT NULL
   );`,
  `ALTER TABLE farhelm.threads ADD COLUMN parent_id bytea;
   CREATE INDEX threads_parent ON farhelm.threads (parent_id) WHERE parent_id IS NOT NULL;`,
];

/** Any number, the same in every Farhelm: "farhelm" as on a telephone's keys. */
const migrationLock = 3_274_356;

/**
 * Brings the tables up to date, one step in one transaction each. Hosts that start at the same time
 * take turns. Rejects with `StoreError`: unreachable, not UTF-8, or written by a newer Farhelm.
 */
export async function migrate(database: PostgresDatabase): Promise<void> {
  const doing = "bring the store's tables up to date";
  for (let done = 0; done < steps.length;) {
    done = await database.transaction(doing, async (query) => {
      await query("SELECT pg_advisory_xact_lock($1)", [migrationLock]);
      const version = await versionIn(query);
      refuseUnusable(version, database.address.shown);
      const step = steps[version.step];
      if (step === undefined) return version.step;
      if (version.step === 0) await makeSchema(query);
      await query(step);
      await query("UPDATE farhelm.schema_version SET version = $1", [version.step + 1]);
      return version.step + 1;
    });
  }
}

export interface SchemaVersion {
  /** How many steps were taken; 0 where there are no tables yet. */
  readonly step: number;
  readonly encoding: string;
}

export async function versionIn(query: Query): Promise<SchemaVersion> {
  const [found] = await query(
    "SELECT to_regclass('farhelm.schema_version') IS NOT NULL AS known, current_setting('server_encoding') AS encoding",
  );
  const encoding = String(found?.["encoding"]);
  if (found?.["known"] !== true) return { step: 0, encoding };
  const [row] = await query("SELECT version FROM farhelm.schema_version");
  return { step: Number(row?.["version"] ?? 0), encoding };
}

/** Throws `StoreError`. */
export function refuseUnusable({ step, encoding }: SchemaVersion, shown: string): void {
  if (encoding !== "UTF8") {
    throw new StoreError(
      "io",
      `The database at ${shown} keeps text as ${encoding}, which cannot hold every character. Make one with "createdb --encoding UTF8 --template template0".`,
    );
  }
  if (step > steps.length) {
    throw new StoreError(
      "io",
      `The tables in the database at ${shown} were written by a newer Farhelm (version ${step}, this one knows ${steps.length}). Update Farhelm.`,
    );
  }
}

async function makeSchema(query: Query): Promise<void> {
  const [found] = await query("SELECT to_regnamespace('farhelm') IS NOT NULL AS known");
  // Asking first: who may not create one may still use one that somebody made.
  if (found?.["known"] !== true) await query("CREATE SCHEMA farhelm");
  await query("CREATE TABLE IF NOT EXISTS farhelm.schema_version (version integer NOT NULL)");
  await query(
    "INSERT INTO farhelm.schema_version SELECT 0 WHERE NOT EXISTS (SELECT FROM farhelm.schema_version)",
  );
}
