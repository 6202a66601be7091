import { expect, test } from "vitest";
import { manyRuns } from "./many-runs.ts";

/**
 * FARHELM_RECONNECT_SEED=N runs the one seed that a failure named; with FARHELM_RECONNECT_TRACE=1 its log has every frame.
 */
const only = process.env["FARHELM_RECONNECT_SEED"];
const [from, count] = only === undefined ? [1, 300] : [Number(only), 1];

test("300 seeded runs of cuts, silences, kills and restarts: every client ends with what the host has", async () => {
  const total = await manyRuns(from, count);
  process.stdout.write(`reconnects: ${JSON.stringify(total)}\n`);
  expect(total.runs).toBe(count);
}, 600_000);
