import { expect, test } from "vitest";
import { killAtSeededPoints } from "./crash-run.ts";

test("killed at 20 seeded points, the store has all that it acknowledged and goes on", async () => {
  const { kills, deeds } = await killAtSeededPoints(20, 1);
  expect(kills).toBe(20);
  // on a machine that does much else few of them come through before the kill
  expect(deeds).toBeGreaterThan(10);
}, 90_000);
