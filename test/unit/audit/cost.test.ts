import { expect, test } from "vitest";
import { call, LogBench } from "./log-bench.ts";

const calls = 20_000;
/** A connection's calls of one tick, as a busy client sends them. */
const perTick = 20;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function cpuMicros(work: (index: number) => void): Promise<number> {
  const before = process.cpuUsage();
  for (let index = 0; index < calls; index += 1) {
    work(index);
    if (index % perTick === 0) await turn();
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

test("a call that is written down costs a few µs of CPU time", async () => {
  const bench = new LogBench();
  const log = await bench.open();
  const entry = call("0198c0de-0000-7000-8000-000000000001");
  await cpuMicros(() => log.add(entry));
  const idle = await cpuMicros(() => {});
  const writing = await cpuMicros(() => log.add(entry));
  await log.close();
  const micros = writing - idle;
  process.stdout.write(`audit: ${micros.toFixed(1)} µs of CPU time a line\n`);
  // 20 µs on a machine of today; tests must hold on one that is four times slower.
  expect(micros).toBeLessThan(20 * 4);
});
