import { describe, expect, test } from "vitest";
import type { ConnectionEvent, ConnectionState } from "../../../src/client/connection-state.ts";
import { next, stableAfterMs } from "../../../src/client/connection-state.ts";
import { retryDelayMs } from "../../../src/client/retry-delay.ts";

const reason = { code: "revoked", message: "Gone.", nextStep: "npx farhelm pair" };

const states: readonly ConnectionState[] = [
  { kind: "stopped" },
  { kind: "attempting", attempt: 3 },
  { kind: "connected", attempt: 3, sinceMs: 1_000 },
  { kind: "waiting", attempt: 3, retryAtMs: 9_000, reason: "lost" },
  { kind: "offline", attempt: 1 },
  { kind: "signedOut", reason },
];

const events = {
  start: { kind: "start" },
  stop: { kind: "stop" },
  established: { kind: "established", atMs: 2_000 },
  failed: { kind: "failed", reason: "lost", atMs: 2_000, jitter: 0.5 },
  refused: { kind: "refused", reason },
  due: { kind: "retryDue", attempt: 3 },
  staleDue: { kind: "retryDue", attempt: 2 },
  wake: { kind: "wake" },
  networkLost: { kind: "networkLost" },
  networkBack: { kind: "networkBack" },
} as const satisfies Record<string, ConnectionEvent>;

const stopped = { kind: "stopped" };
const fourth = { kind: "waiting", attempt: 4, retryAtMs: 4_000, reason: "lost" };
const again = { kind: "attempting", attempt: 3 };
const signedOut = { kind: "signedOut", reason };

/** What is not listed is undefined: the event means nothing in that state. */
const table: Record<ConnectionState["kind"], Partial<Record<keyof typeof events, object>>> = {
  stopped: { start: { kind: "attempting", attempt: 1 } },
  attempting: {
    stop: stopped,
    established: { kind: "connected", attempt: 3, sinceMs: 2_000 },
    failed: fourth,
    refused: signedOut,
  },
  connected: { stop: stopped, failed: fourth, refused: signedOut },
  waiting: {
    stop: stopped,
    due: again,
    wake: again,
    networkBack: again,
    networkLost: { kind: "offline", attempt: 1 },
  },
  offline: {
    stop: stopped,
    wake: { kind: "attempting", attempt: 1 },
    networkBack: { kind: "attempting", attempt: 1 },
  },
  signedOut: { stop: stopped, start: { kind: "attempting", attempt: 1 } },
};

describe("the whole table", () => {
  test.each(states.map((state) => [state.kind, state] as const))("%s", (kind, state) => {
    const actual = Object.fromEntries(
      Object.entries(events).map(([name, event]) => [name, next(state, event)]),
    );
    const expected = Object.fromEntries(
      Object.keys(events).map((name) => [
        name,
        Object.entries(table[kind]).find(([n]) => n === name)?.[1],
      ]),
    );
    expect(actual).toEqual(expected);
  });
});

test("a failure after a connection that held starts the back-off anew", () => {
  const held = next(
    { kind: "connected", attempt: 7, sinceMs: 0 },
    { kind: "failed", reason: "lost", atMs: stableAfterMs, jitter: 0.5 },
  );
  expect(held).toEqual({
    kind: "waiting",
    attempt: 1,
    retryAtMs: stableAfterMs + retryDelayMs(0, 0.5),
    reason: "lost",
  });
});

const delays = (jitter: number) => [0, 1, 2, 6, 40].map((failed) => retryDelayMs(failed, jitter));

test("delays grow to a cap, and any time up to it is as likely", () => {
  expect(delays(0)).toEqual([0, 0, 0, 0, 0]);
  expect(delays(0.5)).toEqual([250, 500, 1_000, 15_000, 15_000]);
  expect(delays(0.999_999)).toEqual([500, 1_000, 2_000, 30_000, 30_000]);
});

test("on any walk a refusal that is final ends only by a start or a stop", () => {
  let seed = 42;
  const random = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed / 2_147_483_648;
  };
  const list = Object.values(events);
  let state: ConnectionState = { kind: "stopped" };
  for (let step = 0; step < 5_000; step += 1) {
    const event = list[Math.floor(random() * list.length)] ?? events.wake;
    const after = next(state, event);
    if (after === undefined) continue;
    const holds =
      (state.kind !== "signedOut" || event.kind === "start" || event.kind === "stop") &&
      (after.kind !== "waiting" || after.retryAtMs > events.failed.atMs) &&
      (after.kind !== "connected" || event.kind === "established");
    expect([state, event, holds]).toEqual([state, event, true]);
    state = after;
  }
});
