import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "../../../src/db/database.ts";
import { createLocalStore } from "../../../src/store/local/local-store.ts";
import { uuidV7 } from "../../../src/util/uuid-v7.ts";
import { all } from "./local-home.ts";

let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "farhelm-unfinished-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const fileOf = (): string => `rollout-2026-01-02T03-04-05-${uuidV7()}.jsonl.new`;

test("of forks that were never finished, old ones are removed, and no other file is", async () => {
  const day = join(home, "sessions/2026/01/02");
  mkdirSync(day, { recursive: true });
  const [old, young, foreign] = [fileOf(), fileOf(), "notes.new"];
  for (const name of [old, young, foreign]) writeFileSync(join(day, name), "{");
  for (const name of [old, foreign]) utimesSync(join(day, name), 1, 1);
  const database = openDatabase(":memory:");
  const log = { warn: () => undefined, error: () => undefined };
  const store = createLocalStore({ codexHome: home, database, log });
  expect((await store.list(all)).data).toEqual([]);
  expect(readdirSync(day).toSorted()).toEqual([young, foreign].toSorted());
  await store.close();
  database.close();
});
