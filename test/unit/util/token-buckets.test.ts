import { beforeEach, expect, test } from "vitest";
import { perMinute, TokenBuckets } from "../../../src/util/token-buckets.ts";

let nowMs = 0;
beforeEach(() => {
  nowMs = 0;
});
const bucketsOf = (count: number): TokenBuckets => new TokenBuckets(perMinute(count), () => nowMs);
const at = <T>(ms: number, look: () => T): T => {
  nowMs = ms;
  return look();
};

test("a key has its tokens for a minute, then gets them back one by one", () => {
  const buckets = bucketsOf(6);
  const take = (key = "a"): number => buckets.take(key);
  expect(Array.from({ length: 7 }, () => take())).toEqual([0, 0, 0, 0, 0, 0, 10_000]);
  expect(at(9_999, take)).toBe(1);
  expect(at(10_000, take)).toBe(0);
  expect(take()).toBe(10_000);
  expect(take("b")).toBe(0);
});

test("a bucket may hold more than it gains in a second", () => {
  const buckets = new TokenBuckets({ burst: 3, perSecond: 2 }, () => nowMs);
  expect([1, 2, 3, 4].map(() => buckets.take("a"))).toEqual([0, 0, 0, 500]);
});

test("waiting asks without taking", () => {
  const buckets = bucketsOf(1);
  expect(buckets.wait("a")).toBe(0);
  expect([buckets.take("a"), buckets.wait("a")]).toEqual([0, 60_000]);
  expect(at(30_000, () => buckets.wait("a"))).toBe(30_000);
  expect(at(60_000, () => buckets.take("a"))).toBe(0);
});

test("a clock that goes back gives nothing and takes nothing", () => {
  const buckets = bucketsOf(2);
  at(100_000, () => buckets.take("a"));
  expect(at(0, () => [buckets.take("a"), buckets.take("a")])).toEqual([0, 30_000]);
});

test("idle keys are forgotten, and there are never more than ten thousand", () => {
  const buckets = bucketsOf(1);
  for (let key = 0; key < 10_500; key += 1) at(key, () => buckets.take(`k${key}`));
  expect(buckets.size).toBe(10_000);
  expect(at(10_500, () => buckets.wait("k10499"))).toBeGreaterThan(0);
  at(100_000, () => buckets.take("late"));
  expect(buckets.size).toBe(1);
});
