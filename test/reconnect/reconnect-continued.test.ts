import { expect, test } from "vitest";
import { manyRuns } from "./many-runs.ts";

/** Beside the first half, in a process of its own; where seeds are named, the first file runs them. */
test.skipIf(process.env["FARHELM_RECONNECT_SEED"] !== undefined)(
  "the second 150 of 300 seeded runs of cuts, silences, kills and restarts: every client ends with what the host has",
  async () => {
    const total = await manyRuns(151, 150);
    process.stdout.write(`reconnects: ${JSON.stringify(total)}\n`);
    expect(total.runs).toBe(150);
  },
  900_000,
);
