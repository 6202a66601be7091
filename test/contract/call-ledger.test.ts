import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "../../src/db/database.ts";
import { LocalCallLedger } from "../../src/store/local/call-ledger.ts";
import { MemoryCallLedger } from "../../src/store/memory-call-ledger.ts";
import { callLedgerLimits } from "../../src/store/port.ts";
import { PostgresDatabase } from "../../src/store/postgres/database.ts";
import { PostgresCallLedger } from "../../src/store/postgres/postgres-call-ledger.ts";
import { migrate } from "../../src/store/postgres/schema.ts";
import { startPostgresDatabase } from "../helpers/postgres-database.ts";
import type { PostgresTestDatabase } from "../helpers/postgres-database.ts";
import { callLedgerContract } from "./call-ledger.contract.ts";

let postgres: PostgresTestDatabase;
beforeAll(async () => {
  postgres = await startPostgresDatabase();
}, 60_000);
afterAll(() => postgres.close());

const id = (key: string) => ({ principalId: "dev_1", key });

callLedgerContract("the memory store", async (limits, nowMs) => ({
  ledger: new MemoryCallLedger(nowMs, limits),
  close: async () => undefined,
}));

callLedgerContract("the local store", async (limits, nowMs) => {
  const database = openDatabase(":memory:");
  const ledger = new LocalCallLedger({ database, limits, nowMs });
  return { ledger, close: async () => database.close() };
});

const silent = { warn: () => undefined };

callLedgerContract("the Postgres store", async (limits, nowMs) => {
  await postgres.clear();
  const database = new PostgresDatabase(postgres.url, silent);
  await migrate(database);
  const ledger = new PostgresCallLedger({ database, installation: "one", limits, nowMs });
  return { ledger, close: () => database.close() };
});

test("the Postgres store knows after a restart what began and how much it keeps, and hosts keep apart", async () => {
  await postgres.clear();
  const database = new PostgresDatabase(postgres.url, silent);
  await migrate(database);
  const limits = { ...callLedgerLimits, keptForMs: 1000, callsOfPrincipal: 2 };
  const clock = { nowMs: 1_000_000 };
  const open = async (installation: string) => {
    const ledger = new PostgresCallLedger({
      database,
      installation,
      limits,
      nowMs: () => clock.nowMs,
    });
    await ledger.load();
    return ledger;
  };
  const before = await open("one");
  await before.begin(id("old"), "d");
  clock.nowMs += 999;
  await before.begin(id("a"), "d");
  expect(await (await open("two")).begin(id("a"), "d")).toBe("new");
  const after = await open("one");
  expect(await after.begin(id("old"), "d")).toEqual({ kind: "begun", digest: "d" });
  expect(await after.begin(id("b"), "d")).toBe("full");
  clock.nowMs += 1;
  const later = await open("one");
  expect(await later.begin(id("b"), "d")).toBe("new");
  expect(await later.begin(id("a"), "d")).toEqual({ kind: "begun", digest: "d" });
  await database.close();
});

test("the local store knows after a restart what began, what ended and how much it keeps", async () => {
  const database = openDatabase(":memory:");
  const clock = { nowMs: 1_000_000 };
  const limits = { ...callLedgerLimits, keptForMs: 1000, callsOfPrincipal: 2 };
  const open = () => new LocalCallLedger({ database, limits, nowMs: () => clock.nowMs });
  const before = open();
  await before.begin(id("old"), "d");
  clock.nowMs += 999;
  await before.begin(id("a"), "d");
  const after = open();
  expect(await after.begin(id("old"), "d")).toEqual({ kind: "begun", digest: "d" });
  expect(await after.begin(id("b"), "d")).toBe("full");
  clock.nowMs += 1;
  const later = open();
  expect(await later.begin(id("b"), "d")).toBe("new");
  expect(await later.begin(id("a"), "d")).toEqual({ kind: "begun", digest: "d" });
  database.close();
});

test("a local store that cannot write says so, and counts rightly afterwards", async () => {
  const database = openDatabase(":memory:");
  const limits = { ...callLedgerLimits, callsOfPrincipal: 1 };
  const ledger = new LocalCallLedger({ database, limits });
  database.exec("PRAGMA query_only = ON");
  await expect(ledger.begin(id("a"), "d")).rejects.toMatchObject({ name: "StoreError" });
  database.exec("PRAGMA query_only = OFF");
  expect(await ledger.begin(id("a"), "d")).toBe("new");
  expect(await ledger.begin(id("b"), "d")).toBe("full");
  database.close();
});
