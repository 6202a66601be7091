import { expect, test } from "vitest";
import { killAtSeededPoints } from "./crash-run.ts";

test("killed at 300 seeded points, the store has all that it acknowledged and goes on", async () => {
  const figures = await killAtSeededPoints(300, 1000);
  process.stdout.write(`kill test: ${JSON.stringify(figures)}\n`);
  expect(figures.kills).toBe(300);
}, 1_200_000);
