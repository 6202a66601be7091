import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Beating } from "../../../src/transport/heartbeat.ts";
import { Heartbeat } from "../../../src/transport/heartbeat.ts";

class Peer implements Beating {
  awaited = false;
  slot = 0;
  pings = 0;
  terminated = false;
  /** Its bytes come in, but no pong. */
  reads = false;
  answers: boolean;

  constructor(answers: boolean) {
    this.answers = answers;
  }

  ping(): void {
    this.pings += 1;
    if (this.answers) this.awaited = false;
  }

  heard(): boolean {
    return this.reads;
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

test("one that stops answering is ended within two intervals, whenever it came and stopped", () => {
  for (let cameMs = 0; cameMs < 20_000; cameMs += 1_300) {
    let lost = 0;
    const heartbeat = new Heartbeat<Peer>(20_000, () => {
      lost += 1;
    });
    vi.advanceTimersByTime(cameMs);
    const peer = new Peer(true);
    heartbeat.add(peer);
    vi.advanceTimersByTime(60_000);
    // the worst moment: its pong has just come
    const before = peer.pings;
    while (peer.pings === before) vi.advanceTimersByTime(1);
    peer.answers = false;
    vi.advanceTimersByTime(39_000);
    expect([peer.pings - before, peer.terminated]).toEqual([2, false]);
    vi.advanceTimersByTime(1_001);
    expect([peer.pings - before, peer.terminated, lost]).toEqual([2, true, 1]);
    heartbeat.stop();
  }
});

test("one whose bytes come in stays, though its pongs are behind them", () => {
  const heartbeat = new Heartbeat<Peer>(20_000, () => {});
  const peer = new Peer(false);
  heartbeat.add(peer);
  peer.reads = true;
  vi.advanceTimersByTime(205_000);
  expect([peer.pings, peer.terminated]).toEqual([10, false]);
  peer.reads = false;
  vi.advanceTimersByTime(20_000);
  expect(peer.terminated).toBe(true);
  heartbeat.stop();
});

test("nobody is ended for the time that this process stood still", () => {
  const heartbeat = new Heartbeat<Peer>(20_000, () => {});
  const peer = new Peer(false);
  heartbeat.add(peer);
  vi.advanceTimersByTime(21_000);
  expect(peer.awaited).toBe(true);
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(20_000);
  expect([peer.pings, peer.terminated]).toEqual([2, false]);
  vi.advanceTimersByTime(20_000);
  expect(peer.terminated).toBe(true);
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
