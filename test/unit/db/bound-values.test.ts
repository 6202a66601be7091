import { expect, it } from "vitest";
import { openDatabase } from "../../../src/db/database.ts";

it("a statement takes a lone null or blob like any other value", () => {
  const database = openDatabase(":memory:");
  database.exec("CREATE TABLE kept (value)");
  const insert = database.prepare("INSERT INTO kept VALUES (?)");
  for (const value of [null, Buffer.from("blob"), "text"]) insert.run(value);
  const types = database.prepare("SELECT typeof(value) AS type FROM kept").all();
  expect(types.map((row) => row["type"])).toEqual(["null", "blob", "text"]);
  expect(database.prepare("SELECT ? IS NULL AS yes").get(null)?.["yes"]).toBe(1);
  database.close();
});
