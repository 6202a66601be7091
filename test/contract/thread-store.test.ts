import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "../../src/db/database.ts";
import { createLocalStore } from "../../src/store/local/local-store.ts";
import { createMemoryStore } from "../../src/store/memory-store.ts";
import { threadStoreContract } from "./thread-store.contract.ts";

const silent = { warn: () => undefined, error: () => undefined };

threadStoreContract("the local store", async () => {
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
});

threadStoreContract("the memory store", async () => {
  const store = createMemoryStore();
  return { store, tick: () => undefined, close: () => store.close() };
});
