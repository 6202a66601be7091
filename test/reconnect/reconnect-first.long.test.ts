import { expect, test } from "vitest";
import { manyRuns } from "./many-runs.ts";

test("the first 5,000 of 10,000 seeded runs: every client ends with what the host has", async () => {
  const total = await manyRuns(1001, 5_000);
  process.stdout.write(`reconnects: ${JSON.stringify(total)}\n`);
  expect(total.runs).toBe(5_000);
}, 14_400_000);
