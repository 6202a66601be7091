import { expect, test } from "vitest";
import { cutOffBy, seenText } from "../../../src/dashboard/state/last-seen.ts";

const revoked = {
  code: "revoked",
  message: "An administrator took away this device's access.",
  nextStep: "Pair it again.",
} as const;
const waiting = { kind: "waiting", attempt: 2, retryAtMs: 9, reason: "The host is gone." } as const;
const lost = { seenAtMs: 5, why: "The host is gone." };

test("a card says since when and why it is not live", () => {
  const said = [
    cutOffBy({ kind: "stopped" }, undefined, null),
    cutOffBy({ kind: "attempting", attempt: 1 }, undefined, null),
    cutOffBy(waiting, undefined, null),
    cutOffBy(waiting, undefined, 5),
    cutOffBy({ kind: "attempting", attempt: 2 }, lost, 5),
    cutOffBy({ kind: "offline", attempt: 1 }, lost, 7),
    cutOffBy({ kind: "signedOut", reason: revoked }, lost, 5),
    cutOffBy({ kind: "connected", attempt: 2, sinceMs: 8 }, lost, 8),
  ];
  expect(said).toEqual([
    undefined,
    undefined,
    { seenAtMs: null, why: "The host is gone." },
    lost,
    lost,
    { seenAtMs: 7, why: "This device is offline." },
    { seenAtMs: 5, why: revoked.message },
    undefined,
  ]);
});

test("a moment of today is a time, an older one has its date", () => {
  const at = new Date(2026, 0, 2, 3, 4).getTime();
  const time = new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  expect(seenText(at, at + 60_000)).toBe(time);
  expect(seenText(at, at + 90_000_000)).toBe(`${new Date(at).toLocaleDateString()} ${time}`);
});
