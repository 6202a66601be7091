import { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import type { SessionEnd } from "../../../src/session/port.ts";
import { newCounters } from "../../../src/transport/counters.ts";
import { RawFrameSocket } from "../../../src/transport/frame-socket.ts";

/** A socket whose kernel takes what it gets when the test says so. */
class SlowSocket extends Socket {
  readonly calls: string[][] = [];
  #taken: (() => void) | undefined;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.calls.push([chunk.toString()]);
    this.#taken = done;
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.calls.push(chunks.map(({ chunk }) => chunk.toString()));
    this.#taken = done;
  }

  acknowledge(): void {
    this.#taken?.();
  }
}

class Peer {
  readyState = 1;
  readonly OPEN = 1;
  drains = 0;
  readonly closes: [number, string][] = [];
  readonly session: SessionEnd = {
    received: () => {},
    receivedGarbage: () => {},
    drained: () => {
      this.drains += 1;
    },
    closed: () => {},
  };

  close(code: number, reason: string): void {
    this.closes.push([code, reason]);
  }
}

const setUp = () => {
  const raw = new SlowSocket();
  const peer = new Peer();
  const counters = newCounters();
  return { raw, peer, counters, frames: new RawFrameSocket(peer, raw, counters) };
};

const bytes = (...texts: readonly string[]): Buffer[] => texts.map((text) => Buffer.from(text));

describe("a write", () => {
  test("is one system call, however many frames it has", () => {
    const { raw, frames, counters } = setUp();
    frames.write(bytes("a", "b", "c"));
    expect(raw.calls).toEqual([["a", "b", "c"]]);
    expect(counters.bytesOut).toBe(3);
  });

  test("joins what gathered while the kernel was busy", async () => {
    const { raw, frames } = setUp();
    frames.write(bytes("a"));
    frames.write(bytes("b", "c"));
    frames.write(bytes("d"));
    expect([raw.calls, frames.bufferedBytes]).toEqual([[["a"]], 4]);
    raw.acknowledge();
    await new Promise((resolve) => setImmediate(resolve));
    expect(raw.calls).toEqual([["a"], ["b", "c", "d"]]);
  });

  test("does nothing once the connection closes", () => {
    const { raw, peer, frames } = setUp();
    peer.readyState = 2;
    frames.write(bytes("late"));
    expect(raw.calls).toEqual([]);
  });
});

describe("backpressure", () => {
  test("the end of a backlog is told once, and a socket without one carries no listener", async () => {
    const { raw, peer, frames } = setUp();
    const idle = raw.listenerCount("drain");
    frames.write(bytes("x".repeat(100_000)));
    frames.write(bytes("y".repeat(100_000)));
    expect(raw.listenerCount("drain")).toBe(idle + 1);

    raw.acknowledge();
    await new Promise((resolve) => setImmediate(resolve));
    expect(peer.drains).toBe(0);
    raw.acknowledge();
    await new Promise((resolve) => setImmediate(resolve));

    expect([peer.drains, frames.bufferedBytes, raw.listenerCount("drain")]).toEqual([1, 0, idle]);
  });

  test("small writes that the kernel takes at once tell nothing", async () => {
    const { raw, peer, frames } = setUp();
    frames.write(bytes("a"));
    raw.acknowledge();
    await new Promise((resolve) => setImmediate(resolve));
    expect(peer.drains).toBe(0);
  });
});

test("a close carries the code of its reason and at most 123 bytes of text", () => {
  const { peer, frames } = setUp();
  frames.close("tryAgainLater", "slow");
  frames.close("revoked", "€".repeat(60));
  expect(peer.closes).toEqual([
    [1013, "slow"],
    [4001, "€".repeat(41)],
  ]);
});
