import { describe, expect, test } from "vitest";
import { openDatabase } from "../../../src/db/database.ts";
import { all, LocalHome, stored } from "./local-home.ts";

const home = new LocalHome();

describe("a history without its index", () => {
  test.each([
    ["paginated", 1_000_000],
    ["legacy", 1_000_000],
    ["paginated", 20_000_000],
  ] as const)(
    "a %s thread whose first message has %i characters is listed",
    async (historyMode, length) => {
      const before = home.open();
      const { id } = await stored(before, `long ${"x".repeat(length)}`, { historyMode });
      await before.close();
      home.database = openDatabase(":memory:");
      const [found] = (await home.open().list(all)).data;
      expect(found?.id).toBe(id);
      expect(found?.preview).toMatch(/^long x{50}/);
    },
  );
});
