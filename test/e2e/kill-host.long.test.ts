import { expect, test } from "vitest";
import { killHosts } from "../helpers/kill-run.ts";

test("killed at 300 seeded points, a host has all that it acknowledged and goes on", async () => {
  const figures = await killHosts(300, 1000);
  process.stdout.write(`hosts killed: ${JSON.stringify(figures)}\n`);
  expect(figures.kills).toBe(300);
  expect(figures.acknowledged).toBeGreaterThan(1500);
}, 1_800_000);
