import { expect, test } from "vitest";
import { killAtSeededPoints } from "./crash-run.ts";

test("killed at 20 seeded points, the store has all that it acknowledged and goes on", async () => {
  const { kills, deeds } = await killAtSeededPoints(20, 1);
  expect(kills).toBe(20);
  expect(deeds).toBeGreaterThan(20);
}, 90_000);
