import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "../../src/db/database.ts";
import { createLocalStore } from "../../src/store/local/local-store.ts";
import { createMemoryStore } from "../../src/store/memory-store.ts";
import { openPostgres } from "../../src/store/postgres/open-postgres.ts";
import { startPostgresDatabase } from "../helpers/postgres-database.ts";
import type { PostgresTestDatabase } from "../helpers/postgres-database.ts";
import { threadContentContract } from "./thread-content.contract.ts";
import { threadForkContract } from "./thread-fork.contract.ts";
import { threadNotesContract } from "./thread-notes.contract.ts";
import { threadRevertContract } from "./thread-revert.contract.ts";
import { threadSearchContract } from "./thread-search.contract.ts";
import { threadStoreContract } from "./thread-store.contract.ts";
import type { StoreUnderTest } from "./thread-store.contract.ts";

const silent = { warn: () => undefined, error: () => undefined };

const local = async (): Promise<StoreUnderTest> => {
  const home = await mkdtemp(join(tmpdir(), "farhelm-store-"));
  const database = openDatabase(":memory:");
  const store = createLocalStore({ codexHome: home, database, log: silent });
  return {
    store,
    tick: () => undefined,
    close: async () => {
      await store.close();
      database.close();
      await rm(home, { recursive: true });
    },
  };
};

const memory = async (): Promise<StoreUnderTest> => {
  const store = createMemoryStore();
  return { store, tick: () => undefined, close: () => store.close() };
};

let database: PostgresTestDatabase;
beforeAll(async () => {
  database = await startPostgresDatabase();
}, 60_000);
afterAll(() => database.close());

const postgres = async (): Promise<StoreUnderTest> => {
  await database.clear();
  const { url } = database;
  const { store } = await openPostgres({ url, installation: "one", log: silent });
  return { store, tick: () => undefined, close: () => store.close() };
};

const contracts = [
  threadStoreContract,
  threadForkContract,
  threadNotesContract,
  threadRevertContract,
  threadContentContract,
  threadSearchContract,
];
for (const contract of contracts) {
  contract("the local store", local);
  contract("the memory store", memory);
  contract("the Postgres store", postgres);
}

test.each([
  ["memory", memory],
  ["Postgres", postgres],
])("the %s store has no files that a thread could be named by", async (_, make) => {
  const made = await make();
  await expect(made.store.threadAt("/srv/sessions/x.jsonl")).rejects.toMatchObject({
    kind: "badPath",
    message:
      "failed to resolve rollout path `/srv/sessions/x.jsonl`: this host keeps its threads in no files. Name the thread by its id.",
  });
  await made.close();
});
