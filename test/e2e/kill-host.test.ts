import { expect, test } from "vitest";
import { killHosts } from "../helpers/kill-run.ts";

test("killed at 20 seeded points, a host has all that it acknowledged and goes on", async () => {
  const figures = await killHosts(20, 1);
  process.stdout.write(`hosts killed: ${JSON.stringify(figures)}\n`);
  expect(figures.kills).toBe(20);
  expect(figures.acknowledged).toBeGreaterThan(100);
}, 180_000);
