import { expect, test } from "vitest";
import { manyRuns } from "./many-runs.ts";

/**
 * FARHELM_RECONNECT_SEED=N runs the one seed that a failure named, FROM-TO all of these; with
 * FARHELM_RECONNECT_TRACE=1 the log of one that fails has every frame.
 */
const [from = 1, to = from] = (process.env["FARHELM_RECONNECT_SEED"] ?? "1-150")
  .split("-")
  .map(Number);

/** Many times what it takes when nothing else runs. */
const timeoutMs = 600_000 + 2_000 * (to - from);

test(
  "the first 150 of 300 seeded runs of cuts, silences, kills and restarts: every client ends with what the host has",
  async () => {
    const count = to - from + 1;
    const total = await manyRuns(from, count);
    process.stdout.write(`reconnects: ${JSON.stringify(total)}\n`);
    expect(total.runs).toBe(count);
  },
  timeoutMs,
);
