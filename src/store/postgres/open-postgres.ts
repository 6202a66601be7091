/** The Postgres store: threads, and the calls that may come twice. */
import type { CallLedger, ThreadStore } from "../port.ts";
import { PostgresDatabase } from "./database.ts";
import type { PostgresLog } from "./database.ts";
import { HostPresence } from "./host-presence.ts";
import { PostgresCallLedger } from "./postgres-call-ledger.ts";
import { PostgresStore } from "./postgres-store.ts";
import { migrate } from "./schema.ts";

export interface PostgresOptions {
  /** With user and password, as DATABASE_URL has it. */
  readonly url: string;
  /** Another one for every host that shares the database, the same after a restart. */
  readonly installation: string;
  readonly log: PostgresLog;
  readonly nowMs?: () => number;
}

/** Connects and brings the tables up to date. `ledger` is good until `store` is closed. Rejects with `StoreError`. */
export async function openPostgres(
  options: PostgresOptions,
): Promise<{ readonly store: ThreadStore; readonly ledger: CallLedger }> {
  const { url, installation, log, nowMs = Date.now } = options;
  const database = new PostgresDatabase(url, log);
  const presence = new HostPresence({ database, log, installation });
  const store = new PostgresStore({ database, presence, log, nowMs });
  const ledger = new PostgresCallLedger({ database, installation, nowMs });
  try {
    await migrate(database);
    await presence.begin();
    await store.begin();
    await ledger.load();
    return { store, ledger };
  } catch (error) {
    await presence.close();
    await database.close();
    throw error;
  }
}
