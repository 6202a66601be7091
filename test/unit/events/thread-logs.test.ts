import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ThreadLog } from "../../../src/events/thread-log.ts";
import { ThreadLogs } from "../../../src/events/thread-logs.ts";
import { ThreadId } from "../../../src/protocol/ids.ts";
import { textFrame } from "../../../src/util/text-frame.ts";

const [a, b, c] = ["a", "b", "c"].map((id) => ThreadId.parse(id));
const retention = { bytesPerThread: 8_192, bytesInAll: 20_000, ageMs: 60_000, threads: 3 };
const some = (id: ThreadId | undefined): ThreadId => id ?? ThreadId.parse("-");

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function fill(log: ThreadLog, frames: number, bytes = 100): void {
  for (let count = 0; count < frames; count++) {
    textFrame("x".repeat(bytes), (size) => log.append(size, Date.now()));
  }
}

describe("what can be given to one who comes back", () => {
  const logs = new ThreadLogs(retention);
  const log = logs.of(some(a));
  fill(log, 200);
  const { epoch, first } = log;
  const other = new ThreadLogs(retention).of(some(a)).epoch;
  const dropped = logs.of(some(b)).epoch;
  logs.forget(some(b));

  it.each([
    ["all was seen", { epoch, seq: 200 }, { kind: "replay", events: 0 }],
    ["the last is missing", { epoch, seq: 199 }, { kind: "replay", events: 1 }],
    ["all that is kept", { epoch, seq: first - 1 }, { kind: "replay", events: 201 - first }],
    ["one more than is kept", { epoch, seq: first - 2 }, { kind: "gap", reason: "retention" }],
    ["nothing was seen", { epoch, seq: 0 }, { kind: "gap", reason: "retention" }],
    ["more than there is", { epoch, seq: 201 }, { kind: "gap", reason: "ahead" }],
    ["another run", { epoch: other, seq: 200 }, { kind: "gap", reason: "restarted" }],
    ["a log that is gone", { epoch: dropped, seq: 0 }, { kind: "gap", reason: "retention" }],
    ["no epoch at all", { epoch: "x", seq: 200 }, { kind: "gap", reason: "unknownEpoch" }],
    ["an empty one", { epoch: "", seq: 0 }, { kind: "gap", reason: "unknownEpoch" }],
  ] as const)("%s", (_what, since, outlook) => {
    expect(logs.outlook(some(a), since)).toMatchObject(outlook);
  });

  it("is nothing of a thread of which nothing is known", () => {
    const gap = { kind: "gap", reason: "retention" };
    expect(logs.outlook(some(c), { epoch, seq: 0 })).toEqual(gap);
    expect(logs.find(some(c))).toBeUndefined();
  });
});

describe("how much is kept", () => {
  it("is bounded by thread: the oldest frames go", () => {
    const logs = new ThreadLogs(retention);
    const log = logs.of(some(a));
    fill(log, 1_000);
    expect(log.capacity).toBeLessThanOrEqual(8_192);
    expect([
      log.head,
      logs.outlook(some(a), { epoch: log.epoch, seq: log.first - 1 }).kind,
    ]).toEqual([1_000, "replay"]);
    fill(log, 1, 50_000);
    expect([log.head, log.first, log.capacity]).toEqual([1_001, 1_002, 0]);
  });

  it("is bounded over all threads: the one that was quiet for longest gives way", () => {
    const logs = new ThreadLogs(retention);
    const [first, second, third] = [logs.of(some(a)), logs.of(some(b)), logs.of(some(c))];
    for (const log of [first, second]) fill(log, 60);
    fill(third, 60);
    expect([first.capacity < second.capacity, logs.bytes <= 20_000]).toEqual([true, true]);
    fill(first, 60);
    expect([second.capacity < first.capacity, logs.bytes <= 20_000]).toEqual([true, true]);
    expect(first.capacity + second.capacity + third.capacity).toBe(logs.bytes);
  });

  it("is bounded by time: what is older goes, also when nothing happens any more", () => {
    const logs = new ThreadLogs(retention);
    const log = logs.of(some(a));
    const { epoch } = log;
    fill(log, 9);
    vi.advanceTimersByTime(40_000);
    fill(log, 1, 3_000);
    vi.advanceTimersByTime(20_000);
    expect(log.first).toBe(1);
    vi.advanceTimersByTime(6_001);
    expect([log.first, logs.outlook(some(a), { epoch, seq: 8 })]).toEqual([
      10,
      { kind: "gap", reason: "retention" },
    ]);
    vi.advanceTimersByTime(60_000);
    expect([logs.bytes, vi.getTimerCount()]).toEqual([0, 0]);
    expect(logs.outlook(some(a), { epoch, seq: 10 })).toMatchObject({ kind: "replay", events: 0 });
  });

  it("is bounded in threads: whose place was forgotten begins anew", () => {
    const logs = new ThreadLogs(retention);
    const { epoch } = logs.of(some(a));
    for (const id of ["b", "c", "d"]) logs.of(ThreadId.parse(id));
    expect(logs.find(some(a))).toBeUndefined();
    expect(logs.of(some(a)).epoch).not.toBe(epoch);
  });

  it("is nothing once it is closed, and no timer stays", () => {
    const logs = new ThreadLogs(retention);
    fill(logs.of(some(a)), 10);
    logs.close();
    expect([logs.bytes, vi.getTimerCount()]).toEqual([0, 0]);
  });
});
