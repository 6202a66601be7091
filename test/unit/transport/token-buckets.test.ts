import { expect, test } from "vitest";
import { TokenBuckets } from "../../../src/transport/token-buckets.ts";

test("a key has its tokens for a minute, then gets them back one by one", () => {
  const buckets = new TokenBuckets(6);
  const taken = Array.from({ length: 7 }, () => buckets.take("a", 0));

  expect(taken).toEqual([0, 0, 0, 0, 0, 0, 10]);
  expect(buckets.take("a", 9_999)).toBe(1);
  expect(buckets.take("a", 10_000)).toBe(0);
  expect(buckets.take("a", 10_000)).toBe(10);
  expect(buckets.take("b", 10_000)).toBe(0);
});

test("waiting asks without taking", () => {
  const buckets = new TokenBuckets(1);
  expect(buckets.wait("a", 0)).toBe(0);
  expect([buckets.take("a", 0), buckets.wait("a", 0), buckets.wait("a", 30_000)]).toEqual([
    0, 60, 30,
  ]);
  expect(buckets.take("a", 60_000)).toBe(0);
});

test("a clock that goes back gives nothing and takes nothing", () => {
  const buckets = new TokenBuckets(2);
  buckets.take("a", 100_000);
  expect([buckets.take("a", 0), buckets.take("a", 0)]).toEqual([0, 30]);
});

test("idle keys are forgotten, and there are never more than ten thousand", () => {
  const buckets = new TokenBuckets(1);
  for (let key = 0; key < 10_500; key += 1) buckets.take(`k${key}`, key);
  expect(buckets.size).toBe(10_000);
  expect(buckets.wait("k10499", 10_500)).toBeGreaterThan(0);
  buckets.take("late", 100_000);
  expect(buckets.size).toBe(1);
});
