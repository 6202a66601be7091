import { expect, test } from "vitest";
import { manyRuns } from "./many-runs.ts";

/** Beside the first half, in a process of its own. */
test("the second 150 of 300 seeded runs of cuts, silences, kills and restarts: every client ends with what the host has", async () => {
  const total = await manyRuns(151, 150);
  process.stdout.write(`reconnects: ${JSON.stringify(total)}\n`);
  expect(total.runs).toBe(150);
}, 900_000);
