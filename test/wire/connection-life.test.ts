import { Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { closeCodes } from "../../src/protocol/close-codes.ts";
import { textFrame } from "../../src/util/text-frame.ts";
import { rawSocket, readAnswer, upgradeText } from "../helpers/raw-http.ts";
import {
  nativeClient,
  script,
  startTransport,
  stopTransports,
} from "../helpers/running-transport.ts";

afterEach(stopTransports);

const initialize = '{"id":1,"method":"initialize"}';
const kib64 = 64 * 1024;
const mib16 = 16 * 1024 * 1024;

describe("message size", () => {
  test("before initialize 64 KiB is the limit", async () => {
    const { port, sessions } = await startTransport();
    const fits = await nativeClient(port);
    fits.socket.send("x".repeat(kib64));
    expect(await fits.next()).toBe(`echo: ${"x".repeat(32)}`);
    fits.socket.send("x".repeat(kib64 + 1));

    expect((await fits.closed).code).toBe(1009);
    expect((await sessions.at(0)).texts).toHaveLength(1);
  });

  test("after it 16 MiB, also when both came at once", async () => {
    const { port, sessions } = await startTransport();
    const client = await nativeClient(port);
    client.socket.send(initialize);
    client.socket.send("x".repeat(mib16));
    await client.next();
    await client.next();
    client.socket.send("x".repeat(mib16 + 1));

    expect((await client.closed).code).toBe(1009);
    expect((await sessions.at(0)).texts.map(({ length }) => length)).toEqual([
      initialize.length,
      mib16,
    ]);
  });

  test("fragments count together", async () => {
    const { port } = await startTransport();
    const client = await nativeClient(port);
    const half = "x".repeat(kib64 / 2);
    client.socket.send(half, { fin: false });
    client.socket.send(half, { fin: false });
    client.socket.send("x");
    expect((await client.closed).code).toBe(1009);
  });
});

describe("frames", () => {
  test("binary is garbage to the session, not a message", async () => {
    const { port, sessions } = await startTransport();
    const client = await nativeClient(port);
    client.socket.send(Buffer.from("{}"));
    const session = await sessions.at(0);
    await session.until(({ garbage }) => garbage === 1);
    expect(session.texts).toEqual([]);
  });

  test.each([
    ["an unmasked frame", Buffer.from([0x81, 0x02, 0x68, 0x69]), 1002],
    ["a reserved bit", Buffer.from([0xc1, 0x80, 0, 0, 0, 0]), 1002],
    ["an unknown opcode", Buffer.from([0x83, 0x80, 0, 0, 0, 0]), 1002],
    ["a fragmented ping", Buffer.from([0x09, 0x80, 0, 0, 0, 0]), 1002],
    ["a ping of 126 bytes", Buffer.from([0x89, 0xfe, 0, 126, 0, 0, 0, 0]), 1002],
    ["a lost continuation", Buffer.from([0x80, 0x80, 0, 0, 0, 0]), 1002],
    ["text that is no UTF-8", Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]), 1007],
    ["a length of 2^63", Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 1009],
  ])("%s ends the connection with its code", async (_what, bytes, code) => {
    const { port, sessions } = await startTransport();
    const socket = rawSocket({ port });
    socket.write(upgradeText("/", { Host: `127.0.0.1:${port}`, Authorization: "Bearer good" }));
    await readAnswer(socket);
    const received: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => received.push(chunk));
    socket.write(bytes);
    await new Promise((resolve) => socket.once("close", resolve));

    const frame = Buffer.concat(received);
    expect([frame[0], frame.readUInt16BE(2)]).toEqual([0x88, code]);
    const session = await sessions.at(0);
    await session.until(({ isClosed }) => isClosed);
    expect(session.texts).toEqual([]);
  });

  test("twenty thousand fragments are not collected", async () => {
    const { port, sessions } = await startTransport();
    const client = await nativeClient(port);
    for (let sent = 0; sent < 20_000; sent += 1) client.socket.send("", { fin: false });
    expect((await client.closed).code).toBe(1008);
    expect((await sessions.at(0)).texts).toEqual([]);
  });

  test("a message that trickles in byte by byte is one message", async () => {
    const { port, sessions } = await startTransport();
    const socket = rawSocket({ port });
    socket.setNoDelay(true);
    socket.write(upgradeText("/", { Host: `127.0.0.1:${port}`, Authorization: "Bearer good" }));
    await readAnswer(socket);
    for (const byte of [0x81, 0x83, 0, 0, 0, 0, 0x61, 0x62, 0x63]) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const session = await sessions.at(0);
    await session.until(({ texts }) => texts.length === 1);
    socket.destroy();
    expect(session.texts).toEqual(["abc"]);
  });

  test("the socket does not wait to gather small packets", async () => {
    const noDelay = vi.spyOn(Socket.prototype, "setNoDelay");
    const { port } = await startTransport();
    const client = await nativeClient(port);
    // The client library sets it too, hence two.
    expect(noDelay.mock.calls).toEqual([[], []]);
    noDelay.mockRestore();
    client.socket.terminate();
  });

  test("frames of one write arrive in order, before those of the next", async () => {
    const { port, sessions } = await startTransport();
    const client = await nativeClient(port);
    const { socket } = await sessions.at(0);
    const names = Array.from({ length: 200 }, (_, index) => `frame ${index}`);

    socket.write(names.slice(0, 150).map((name) => textFrame(name)));
    socket.write(names.slice(150).map((name) => textFrame(name)));

    const received: string[] = [];
    for (const _ of names) received.push(await client.next());
    expect(received).toEqual(names);
  });

  test("a reader that stands still shows in bufferedBytes, and its return is told", async () => {
    const { port, sessions } = await startTransport();
    const client = await nativeClient(port);
    const session = await sessions.at(0);
    client.socket.pause();
    const frame = textFrame("x".repeat(1024 * 1024));

    for (let written = 0; written < 64 && session.socket.bufferedBytes < 4e6; written += 1) {
      session.socket.write([frame]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const waiting = session.socket.bufferedBytes;
    client.socket.resume();
    await session.until(({ drains }) => drains > 0);

    expect(waiting).toBeGreaterThanOrEqual(4e6);
    expect(session.socket.bufferedBytes).toBe(0);
  });
});

describe("the end", () => {
  test("each reason has its code; the message is cut at a character, not within", async () => {
    for (const reason of ["policyViolation", "tryAgainLater", "revoked", "goingAway"] as const) {
      const { port, sessions } = await startTransport();
      const client = await nativeClient(port);
      (await sessions.at(0)).socket.close(reason, `a${"é".repeat(100)}`);
      expect(await client.closed).toEqual({
        code: closeCodes[reason],
        reason: `a${"é".repeat(61)}`,
      });
    }
  });

  test("after a close nothing is written, and what still comes has no effect", async () => {
    const { port, sessions } = await startTransport();
    const client = await nativeClient(port);
    const session = await sessions.at(0);

    session.socket.close("revoked", "gone");
    session.socket.write([textFrame("late")]);
    client.socket.send("run this");

    expect(await client.closed).toEqual({ code: 4001, reason: "gone" });
    await session.until(({ isClosed }) => isClosed);
    expect(session.texts).toEqual([]);
  });

  test("what auth ends is ended at once, and only that", async () => {
    const { port, sessions, gatekeeper } = await startTransport();
    gatekeeper.tokens.set("other", { ...script, id: "x", name: "x", role: "viewer" });
    const client = await nativeClient(port);
    await sessions.at(0);

    gatekeeper.end("x", "revoked");
    expect(client.socket.readyState).toBe(client.socket.OPEN);
    gatekeeper.end("script", "revoked");

    expect(await client.closed).toEqual({
      code: 4001,
      reason: "this access was revoked; pair the device again, or ask an admin of the host",
    });
  });

  test("the session learns that a peer went without a word", async () => {
    const { port, sessions, transport } = await startTransport();
    const client = await nativeClient(port);
    const session = await sessions.at(0);
    client.socket.terminate();
    await session.until(({ isClosed }) => isClosed);
    expect(transport.counters.open).toBe(0);
  });

  test("close() tells everyone 1001, frees the port and forgets the gatekeeper", async () => {
    const { port, transport, gatekeeper } = await startTransport();
    const client = await nativeClient(port);

    await transport.close();

    expect(await client.closed).toEqual({ code: 1001, reason: "the host is going down" });
    await expect(nativeClient(port)).rejects.toThrow("ECONNREFUSED");
    expect(gatekeeper.listeners).toBe(0);
  });

  test("close() does not wait for a peer that does not answer, nor for an upgrade under way", async () => {
    const { port, transport, gatekeeper } = await startTransport({ timeouts: { closeMs: 50 } });
    const mute = rawSocket({ port });
    mute.write(upgradeText("/", { Host: `127.0.0.1:${port}`, Authorization: "Bearer good" }));
    await readAnswer(mute);
    gatekeeper.hold();
    const half = rawSocket({ port });
    half.write(upgradeText("/", { Host: `127.0.0.1:${port}`, Authorization: "Bearer good" }));
    while (gatekeeper.seen.length < 2) await new Promise((resolve) => setImmediate(resolve));
    const halfAnswer = readAnswer(half);

    await transport.close();

    expect((await halfAnswer).status).toBe(503);
  });
});

describe("a session that throws", () => {
  test("while it is opened: the connection ends, its place is free, the host goes on", async () => {
    const { port, sessions, transport, log } = await startTransport();
    const open = vi.spyOn(sessions, "open").mockImplementationOnce(() => {
      throw new RangeError("canary");
    });
    const client = await nativeClient(port);
    expect((await client.closed).code).toBe(1006);
    open.mockRestore();

    await nativeClient(port);
    expect(transport.counters.open).toBe(1);
    expect(log.lines).toMatchObject([{ event: "session_failed", facts: { kind: "RangeError" } }]);
    expect(log.text).not.toContain("canary");
  });

  test("on a message: only its connection ends", async () => {
    const { port, sessions, transport } = await startTransport();
    const [bad, good] = [await nativeClient(port), await nativeClient(port)];
    const session = await sessions.at(0);
    session.received = () => {
      throw new RangeError("canary");
    };
    bad.socket.send("x");
    expect((await bad.closed).code).toBe(1006);
    await session.until(({ isClosed }) => isClosed);
    good.socket.send("y");
    expect(await good.next()).toBe("echo: y");
    expect(transport.counters.open).toBe(1);
  });
});

describe("heartbeat", () => {
  test("the interval is announced; whoever answers stays, whoever does not is ended", async () => {
    // long enough for a pong on a machine that has much to do
    const pingIntervalMs = 500;
    const { port, sessions, transport } = await startTransport({ pingIntervalMs });
    const lively = await nativeClient(port);
    let pings = 0;
    lively.socket.on("ping", () => {
      pings += 1;
    });
    const mute = rawSocket({ port });
    mute.write(upgradeText("/", { Host: `127.0.0.1:${port}`, Authorization: "Bearer good" }));
    const answer = await readAnswer(mute);
    const session = await sessions.at(1);
    const openedMs = performance.now();

    await session.until(({ isClosed }) => isClosed);

    // a timer may be late, never by so much that a third interval would pass on an idle machine
    expect(performance.now() - openedMs).toBeLessThan(2.9 * pingIntervalMs);
    expect(answer.headers["x-farhelm-ping-interval-ms"]).toBe("500");
    expect(pings).toBeGreaterThanOrEqual(1);
    expect(lively.socket.readyState).toBe(lively.socket.OPEN);
    expect(transport.counters).toMatchObject({ open: 1, opened: 2, lost: 1 });
  });
});

test("no line is written per message", async () => {
  const { port, log, transport } = await startTransport();
  const client = await nativeClient(port);
  for (let sent = 0; sent < 50; sent += 1) client.socket.send("canary");
  for (let sent = 0; sent < 50; sent += 1) await client.next();
  expect(log.lines).toEqual([]);
  expect(transport.counters).toMatchObject({ messagesIn: 50, bytesOut: 50 * 14 });
});
