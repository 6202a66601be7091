import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Beating } from "../../../src/transport/heartbeat.ts";
import { Heartbeat } from "../../../src/transport/heartbeat.ts";

class Peer implements Beating {
  unansweredPings = 0;
  slot = 0;
  pings = 0;
  terminated = false;
  readonly #answers: boolean;

  constructor(answers: boolean) {
    this.#answers = answers;
  }

  ping(): void {
    this.pings += 1;
    if (this.#answers) this.unansweredPings = 0;
  }

  terminate(): void {
    this.terminated = true;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("each connection is pinged once per interval, the first time one interval after it came", () => {
  const heartbeat = new Heartbeat<Peer>(20_000, () => {});
  vi.advanceTimersByTime(7_000);
  const peer = new Peer(true);
  heartbeat.add(peer);

  const pingsAfter = [17_000, 5_000, 18_000, 20_000, 20_000].map((ms) => {
    vi.advanceTimersByTime(ms);
    return peer.pings;
  });

  expect(pingsAfter).toEqual([0, 1, 2, 3, 4]);
  expect(peer.terminated).toBe(false);
  heartbeat.stop();
});

test("two unanswered pings end a connection, once they had an interval each", () => {
  let lost = 0;
  const heartbeat = new Heartbeat<Peer>(20_000, () => {
    lost += 1;
  });
  const peer = new Peer(false);
  heartbeat.add(peer);

  vi.advanceTimersByTime(57_000);
  expect([peer.pings, peer.terminated]).toEqual([2, false]);
  vi.advanceTimersByTime(5_000);
  expect([peer.pings, peer.terminated, lost]).toEqual([2, true, 1]);
  heartbeat.stop();
});

test("one that left is pinged no more, and stopping stops all", () => {
  const heartbeat = new Heartbeat<Peer>(1_000, () => {});
  const gone = new Peer(true);
  const here = new Peer(true);
  heartbeat.add(gone);
  heartbeat.add(here);
  heartbeat.remove(gone);
  vi.advanceTimersByTime(3_100);
  heartbeat.stop();
  vi.advanceTimersByTime(10_000);
  expect([gone.pings, here.pings, [...heartbeat.all()].length]).toEqual([0, 3, 1]);
});
