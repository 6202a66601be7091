import { expect, test } from "vitest";
import { killHosts } from "../helpers/kill-run.ts";

test.each([
  [20, 1],
  [300, 1000],
])(
  "killed at %i points, seeded from %i, a host has all that it acknowledged and goes on",
  async (kills, firstSeed) => {
    const figures = await killHosts(kills, firstSeed);
    process.stdout.write(`hosts killed: ${JSON.stringify(figures)}\n`);
    expect(figures.kills).toBe(kills);
    expect(figures.acknowledged).toBeGreaterThan(kills * 5);
  },
  1_800_000,
);
