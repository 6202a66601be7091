import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "../../../src/db/database.ts";
import type { Database } from "../../../src/db/database.ts";

let folder: string;
let database: Database;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "farhelm-db-"));
  database = openDatabase(join(folder, "farhelm.sqlite"));
});
afterEach(async () => {
  database.close();
  await rm(folder, { recursive: true });
});

const steps = ["CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)"];
const second = "ALTER TABLE notes ADD COLUMN mark TEXT";

test("each step runs once, also over several starts", () => {
  database.migrate("notes", steps);
  database.prepare("INSERT INTO notes (text) VALUES (?)").run("kept");
  database.close();
  database = openDatabase(join(folder, "farhelm.sqlite"));
  database.migrate("notes", [...steps, second]);
  database.migrate("notes", [...steps, second]);
  expect(database.prepare("SELECT * FROM notes").all()).toEqual([
    { id: 1, text: "kept", mark: null },
  ]);
});

test("a step that fails leaves everything as it was", () => {
  database.migrate("notes", steps);
  expect(() => {
    database.migrate("notes", [...steps, "CREATE TABLE more (id); SELECT nonsense FROM nowhere"]);
  }).toThrow(/nowhere/);
  expect(
    database.prepare("SELECT name FROM sqlite_master WHERE name = 'more'").get(),
  ).toBeUndefined();
  database.migrate("notes", [...steps, second]);
});

test("the state of a newer program is refused with what to do", () => {
  database.migrate("notes", [...steps, second]);
  expect(() => {
    database.migrate("notes", steps);
  }).toThrow(/newer Farhelm .* update Farhelm/);
});

test("a transaction that throws is taken back", () => {
  database.migrate("notes", steps);
  const insert = database.prepare("INSERT INTO notes (text) VALUES (?)");
  expect(() =>
    database.transaction(() => {
      insert.run("lost");
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(database.transaction(() => 7)).toBe(7);
  expect(database.prepare("SELECT * FROM notes").all()).toEqual([]);
  expect(database.prepare("SELECT * FROM notes").get()).toBeUndefined();
});
