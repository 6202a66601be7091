import { EventEmitter, once } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LoadedKeys } from "../../../src/crypto/jwks-load.ts";
import { KeySetError, KeysUnavailable, usableKeys } from "../../../src/crypto/key-set.ts";
import { RefreshedKeys } from "../../../src/crypto/refreshed-keys.ts";
import { issuerKey } from "../../helpers/foreign-issuer.ts";

const [first, second] = [issuerKey("ES256"), issuerKey("EdDSA")];
// Imported beforehand: that takes real time, and the clock of these tests stands still.
const one = await usableKeys([first.jwk]);
const oneAgain = await usableKeys([first.jwk]);
const both = await usableKeys([first.jwk, second.jwk]);
const replaced = await usableKeys([{ ...second.jwk, kid: first.kid }]);
const none = await usableKeys([]);

const times = { refreshMs: 100_000, maxStaleMs: 200_000, coolDownMs: 30_000 };

/** A server whose answers a test decides on; a load takes as long as the test wants. */
class Server {
  loads = 0;
  keys: LoadedKeys["keys"] | undefined = one;
  maxAgeMs: number | undefined;
  gate: Promise<unknown> = Promise.resolve();

  readonly load = async (): Promise<LoadedKeys> => {
    this.loads += 1;
    await this.gate;
    if (this.keys === undefined) throw new KeySetError("down");
    return { keys: this.keys, maxAgeMs: this.maxAgeMs };
  };

  /** The next loads wait until the returned function is called. */
  hold(): () => void {
    const gate = new EventEmitter();
    this.gate = once(gate, "open");
    return () => void gate.emit("open");
  }
}

let server: Server;
let changes: number;
let said: (string | undefined)[];
const open = new Set<RefreshedKeys>();

function keys(): RefreshedKeys {
  const made = new RefreshedKeys({
    ...times,
    load: server.load,
    nowMs: Date.now,
    onChange: () => void (changes += 1),
    onFailing: (why) => void said.push(why),
  });
  open.add(made);
  return made;
}

const kidOf = (kid: string, from: RefreshedKeys): Promise<unknown> =>
  from.find(kid).then(
    (found) => found?.kid,
    (error: unknown) => (error instanceof KeysUnavailable ? "unavailable" : error),
  );

beforeEach(() => {
  vi.useFakeTimers();
  server = new Server();
  changes = 0;
  said = [];
});
afterEach(() => {
  for (const each of open) each.close();
  open.clear();
  vi.useRealTimers();
});

describe("keys that are kept and asked for anew", () => {
  it("are asked for at once, and by many at a time only once", async () => {
    const kept = keys();
    const found = await Promise.all(Array.from({ length: 50 }, () => kidOf(first.kid, kept)));
    expect(new Set(found)).toEqual(new Set([first.kid]));
    expect(server.loads).toBe(1);
  });

  it("cost no load for a known kid, and one per cool-down for 10,000 unknown ones", async () => {
    const kept = keys();
    await kidOf(first.kid, kept);
    for (let passed = 0; passed < 60; passed += 1) {
      await vi.advanceTimersByTimeAsync(1000);
      for (let each = 0; each < 200; each += 1) await kidOf(`unknown-${each}`, kept);
    }
    expect(await kidOf(first.kid, kept)).toBe(first.kid);
    expect(server.loads).toBe(3);
  });

  it("come again in the background before they are old", async () => {
    const kept = keys();
    await kidOf(first.kid, kept);
    server.keys = both;
    await vi.advanceTimersByTimeAsync(80_000);
    expect(server.loads).toBe(2);
    expect(await kidOf(second.kid, kept)).toBe(second.kid);
    expect({ loads: server.loads, changes }).toEqual({ loads: 2, changes: 0 });
  });

  it.each([
    ["sooner where the answer says so", 40_000, 32_000],
    ["not sooner than the cool-down", 0, 24_000],
    ["not later than is set", 900_000, 80_000],
  ])("%s", async (_what, maxAgeMs, dueMs) => {
    server.maxAgeMs = maxAgeMs;
    const kept = keys();
    await kidOf(first.kid, kept);
    await vi.advanceTimersByTimeAsync(dueMs - 1);
    const before = server.loads;
    await vi.advanceTimersByTimeAsync(1);
    expect([before, server.loads]).toEqual([1, 2]);
  });

  it("are found when the issuer signs with a new one before we asked: rotation without downtime", async () => {
    const kept = keys();
    await kidOf(first.kid, kept);
    await vi.advanceTimersByTimeAsync(30_000);
    server.keys = both;
    const release = server.hold();
    const waiting = Promise.all([kidOf(second.kid, kept), kidOf(second.kid, kept)]);
    // Who comes with the old key does not wait for the load.
    expect(await kidOf(first.kid, kept)).toBe(first.kid);
    release();
    expect(await waiting).toEqual([second.kid, second.kid]);
    expect(server.loads).toBe(2);
  });

  it("tell when one is gone or was replaced under its kid, and not when they are the same", async () => {
    const kept = keys();
    const key = await kept.find(first.kid);
    if (key === undefined) throw new Error("there is no key");
    server.keys = oneAgain;
    await vi.advanceTimersByTimeAsync(80_000);
    expect({ changes, held: kept.holds(key) }).toEqual({ changes: 0, held: true });
    server.keys = replaced;
    await vi.advanceTimersByTimeAsync(80_000);
    expect({ changes, held: kept.holds(key) }).toEqual({ changes: 1, held: false });
    server.keys = none;
    await vi.advanceTimersByTimeAsync(80_000);
    expect({ changes, found: await kidOf(first.kid, kept) }).toEqual({
      changes: 2,
      found: undefined,
    });
  });

  it("serve while the server is down, until they are too old; then nobody comes in", async () => {
    const kept = keys();
    await kidOf(first.kid, kept);
    server.keys = undefined;
    await vi.advanceTimersByTimeAsync(299_000);
    expect(await kidOf(first.kid, kept)).toBe(first.kid);
    expect({ said, changes }).toEqual({ said: ["down"], changes: 0 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(await kidOf(first.kid, kept)).toBe("unavailable");
    expect(changes).toBe(1);
    const { loads } = server;
    expect(loads).toBeLessThan(13);
    server.keys = one;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await kidOf(first.kid, kept)).toBe(first.kid);
    expect(said).toEqual(["down", undefined]);
  });

  it("are unavailable when the server is down at the start, and there when it is up", async () => {
    server.keys = undefined;
    const kept = keys();
    expect(await kidOf(first.kid, kept)).toBe("unavailable");
    server.keys = one;
    expect(await kidOf(first.kid, kept)).toBe("unavailable");
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await kidOf(first.kid, kept)).toBe(first.kid);
  });

  it("let 64 tokens wait for one load and send the others away", async () => {
    const kept = keys();
    await kidOf(first.kid, kept);
    await vi.advanceTimersByTimeAsync(30_000);
    const release = server.hold();
    const asked = Array.from({ length: 100 }, (_, index) => kidOf(`unknown-${index}`, kept));
    release();
    const found = await Promise.all(asked);
    expect(found.filter((each) => each === "unavailable")).toHaveLength(36);
    expect(server.loads).toBe(2);
  });

  it("trust no clock that was set back", async () => {
    const kept = keys();
    await kidOf(first.kid, kept);
    vi.setSystemTime(Date.now() - 86_400_000);
    expect(await kidOf(first.kid, kept)).toBe(first.kid);
    expect(server.loads).toBe(2);
  });

  it("are asked for no more after the end", async () => {
    const kept = keys();
    await kidOf(first.kid, kept);
    kept.close();
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(server.loads).toBe(1);
  });
});
