/** The store that the owner of the host chose. */
import type { Database } from "../db/database.ts";
import { LocalCallLedger } from "./local/call-ledger.ts";
import { createLocalStore } from "./local/local-store.ts";
import type { StoreLog } from "./local/local-store.ts";
import { MemoryCallLedger } from "./memory-call-ledger.ts";
import { createMemoryStore } from "./memory-store.ts";
import type { CallLedger, ThreadStore } from "./port.ts";
import { StoreError } from "./port.ts";

export interface StoreChoice {
  readonly kind: "local" | "memory" | "postgres";
  readonly codexHome: string;
  /** Farhelm's own, for the local store alone. */
  readonly database: Database;
  /** DATABASE_URL, for `postgres` alone. */
  readonly databaseUrl: string | undefined;
  /** Another one for every host, the same after a restart. */
  readonly installation: string;
  readonly log: StoreLog;
  /** The provider of threads whose file names none. */
  readonly standardProvider: () => string;
}

/** `ledger` is good until `store` is closed. */
export interface OpenedStore {
  readonly store: ThreadStore;
  readonly ledger: CallLedger;
}

/** Rejects with `StoreError`, in whose sentence there is no password. */
export async function openStore(choice: StoreChoice): Promise<OpenedStore> {
  const { kind, codexHome, database, installation, log, standardProvider } = choice;
  if (kind === "local") {
    const store = createLocalStore({ codexHome, database, log, standardProvider });
    return { store, ledger: new LocalCallLedger({ database }) };
  }
  if (kind === "memory") return { store: createMemoryStore(), ledger: new MemoryCallLedger() };
  const url = databaseUrlOf(choice);
  // Loaded only where it is wanted: a tenth of the start.
  const { openPostgres } = await import("./postgres/open-postgres.ts");
  return openPostgres({ url, installation, log });
}

/** What a person is told of the store, as `doctor` looks at it. Rejects with `StoreError`. */
export async function checkStore(
  choice: Pick<StoreChoice, "kind" | "databaseUrl">,
): Promise<string> {
  if (choice.kind === "local") return "threads are files in CODEX_HOME";
  if (choice.kind === "memory") return "threads are kept in memory, until the host ends";
  const url = databaseUrlOf(choice);
  const { reachPostgres } = await import("./postgres/reach-postgres.ts");
  return `threads are kept in ${await reachPostgres(url)}`;
}

function databaseUrlOf({ databaseUrl }: Pick<StoreChoice, "databaseUrl">): string {
  if (databaseUrl !== undefined && databaseUrl !== "") return databaseUrl;
  throw new StoreError(
    "io",
    "The store postgres needs DATABASE_URL in the environment, the address of a database; an example is postgres://farhelm@localhost:5432/farhelm.",
  );
}

/** What of the host's environment commands may see: not the way into the database that holds all threads. */
export const commandsEnv = (kind: StoreChoice["kind"], env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  kind === "postgres"
    ? Object.fromEntries(
        Object.entries(env).filter(([name]) => !/^(?:DATABASE_URL|PG[A-Z]+)$/i.test(name)),
      )
    : env;
