import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { noticeEnd } from "../../../src/session/ending-notice.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The seconds before the end at which it was told. */
function toldIn(leftMs: number): number[] {
  const atMs = Date.now() + leftMs;
  const told: number[] = [];
  noticeEnd({ what: "access", atMs }, ({ what, endsAtMs, endsInMs }) => {
    expect({ what, endsAtMs, endsInMs }).toEqual({
      what: "access",
      endsAtMs: atMs,
      endsInMs: atMs - Date.now(),
    });
    told.push(endsInMs / 1000);
  });
  expect(told).toEqual([]);
  vi.advanceTimersByTime(leftMs + 1000);
  return told;
}

test.each([
  [40 * 86_400_000, [300, 60]],
  [600_000, [300, 60]],
  [300_000, [300, 60]],
  [120_000, [120, 60]],
  [60_000, [60]],
  [5_000, [5]],
  [0, [0]],
])("with %d ms left it is told with these seconds left: %j", (leftMs, told) => {
  expect(toldIn(leftMs)).toEqual(told);
  expect(vi.getTimerCount()).toBe(0);
});

test("nothing is told where nothing ends, and nothing after the connection has closed", () => {
  const told = vi.fn<() => void>();
  noticeEnd(undefined, told)();
  noticeEnd({ what: "role", atMs: Date.now() + 600_000 }, told)();
  vi.advanceTimersByTime(700_000);
  expect(told).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});
