import { once } from "node:events";
import type { Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocketServer, WebSocket } from "ws";
import type { CutPoint } from "../helpers/fault-line.ts";
import { FaultProxy } from "../helpers/fault-proxy.ts";

let server: Server;
let proxy: FaultProxy;
/** What came to the far side, by connection, and their sockets. */
let received: string[];
let accepted: Socket[];

const portOf = (listening: Server | WebSocketServer): number => {
  const address = listening.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
};

/** An end that keeps what it reads. */
class End {
  readonly socket: Socket;
  readonly pieces: string[] = [];
  readonly closed: Promise<unknown>;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => this.pieces.push(chunk.toString("latin1")));
    this.closed = new Promise((resolve) => {
      socket.once("close", resolve);
    });
  }

  get text(): string {
    return this.pieces.join("");
  }
}

const open = async (): Promise<End> => {
  const end = new End(connect(proxy.port, "127.0.0.1"));
  await once(end.socket, "connect");
  return end;
};

beforeEach(async () => {
  received = [];
  accepted = [];
  server = createServer((socket) => {
    const at = received.push("") - 1;
    accepted.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      received[at] += chunk.toString("latin1");
      socket.write(chunk);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = await FaultProxy.start(portOf(server));
});
afterEach(async () => {
  await proxy.close();
  for (const socket of accepted) socket.destroy();
  server.close();
});

const text = "0123456789".repeat(2_000);

test.for([0, 1, 4_096, 19_999])("breaks after exactly %d bytes to the host", async (afterBytes) => {
  const end = await open();
  const broken = proxy.cutAt({ direction: "toHost", afterBytes });
  end.socket.write(text);
  await Promise.all([broken, end.closed]);
  await expect.poll(() => received).toEqual([text.slice(0, afterBytes)]);
});

test.for([0, 1, 4_096, 19_999])(
  "breaks after exactly %d bytes to the client, counted from when it was asked for",
  async (afterBytes) => {
    const end = await open();
    end.socket.write("first");
    await expect.poll(() => end.text).toBe("first");
    const broken = proxy.cutAt({ direction: "toClient", afterBytes });
    end.socket.write(text);
    await Promise.all([broken, end.closed]);
    expect(end.text).toBe(`first${text.slice(0, afterBytes)}`);
    const next = await open();
    next.socket.write(text);
    await expect.poll(() => next.text).toBe(text);
  },
);

test("bytes pass in pieces of one, late and slow when asked to, and all of them in order", async () => {
  proxy.setPace({ delayMs: 20, bytesPerSecond: 1_000, pieceBytes: 1 });
  const end = await open();
  const startedMs = performance.now();
  end.socket.write("0123456789");
  end.socket.end();
  await end.closed;
  expect(end.text).toBe("0123456789");
  expect(end.pieces.length).toBeGreaterThan(5);
  expect(performance.now() - startedMs).toBeGreaterThan(40);
});

test("a silent line loses everything, ends and closings too, and both ends stay open", async () => {
  const [one, other] = [await open(), await open()];
  for (const end of [one, other]) end.socket.write("a");
  await expect.poll(() => received).toEqual(["a", "a"]);
  await expect.poll(() => other.text).toBe("a");
  proxy.swallow();
  const late = await open();
  for (const end of [one, other, late]) end.socket.write("lost");
  one.socket.destroy();
  await one.closed;
  proxy.heal();
  other.socket.write("lost, too");
  const next = await open();
  next.socket.write("b");
  await expect.poll(() => next.text).toBe("b");
  expect(received.toSorted()).toEqual(["", "a", "a", "b"]);
  expect(accepted.map(({ destroyed }) => destroyed)).toEqual([false, false, false, false]);
  expect([other.text, late.text, other.socket.destroyed]).toEqual(["a", "", false]);
  for (const socket of accepted) socket.destroy();
  await next.closed;
  expect(other.socket.destroyed).toBe(false);
  await expect.poll(() => proxy.open).toBe(2);
});

test("refuses new connections until it is healed; those that are open go on", async () => {
  const before = await open();
  proxy.refuse();
  const refused = new End(connect(proxy.port, "127.0.0.1"));
  await refused.closed;
  before.socket.write("on");
  await expect.poll(() => before.text).toBe("on");
  proxy.heal();
  const after = await open();
  after.socket.write("again");
  await expect.poll(() => after.text).toBe("again");
  proxy.cut();
  await Promise.all([before.closed, after.closed]);
  await expect.poll(() => proxy.open).toBe(0);
});

/** Frames of both sides: a small one, one of 16-bit length, one with text of two, three and four bytes a character. */
const messages = ["one", "z".repeat(300), "abc\u00e4\u20ac\u{1f600}def", "last"];

interface Echo {
  /** What the host got, and the client back. */
  readonly heard: string[];
  readonly echoed: string[];
  readonly socket: WebSocket;
}

async function talk(point: CutPoint): Promise<Echo & { readonly bytes: number }> {
  const host = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await once(host, "listening");
  proxy.targetPort = portOf(host);
  const heard: string[] = [];
  const echoed: string[] = [];
  let bytes = 0;
  host.on("connection", (peer, request) => {
    peer.on("error", () => undefined);
    peer.on("message", (data: Buffer) => {
      heard.push(data.toString());
      peer.send(data.toString());
    });
    peer.on("close", () => (bytes = request.socket.bytesRead));
  });
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`, { perMessageDeflate: false });
  socket.on("error", () => undefined);
  socket.on("message", (data: Buffer) => echoed.push(data.toString()));
  await once(socket, "open");
  const broken = proxy.cutAt(point);
  for (const message of messages) socket.send(message);
  await Promise.all([broken, once(socket, "close")]);
  await expect.poll(() => host.clients.size).toBe(0);
  host.close();
  return { heard, echoed, socket, bytes };
}

test.for<[CutPoint, readonly string[], number]>([
  [{ direction: "toHost", afterFrames: 0, at: "before" }, [], 0],
  [{ direction: "toHost", afterFrames: 1, at: "before" }, ["one"], 9],
  [{ direction: "toHost", afterFrames: 1, at: "header" }, ["one"], 10],
  [{ direction: "toHost", afterFrames: 1, at: "payload" }, ["one"], 9 + 8 + 150],
  [{ direction: "toHost", afterFrames: 1, at: "after" }, messages.slice(0, 2), 9 + 308],
  [{ direction: "toHost", afterFrames: 0, at: "character" }, messages.slice(0, 2), 9 + 308 + 6 + 4],
])("frames to the host: %o", async ([point, heard, bytesOfFrames]) => {
  const seen = await talk(point);
  expect(seen.heard).toEqual(heard);
  const exact = await talk({ direction: "toHost", afterFrames: 0, at: "before" });
  expect(seen.bytes - exact.bytes).toBe(bytesOfFrames);
});

test.for<[CutPoint, readonly string[]]>([
  [{ direction: "toClient", afterFrames: 0, at: "before" }, []],
  [{ direction: "toClient", afterFrames: 1, at: "header" }, ["one"]],
  [{ direction: "toClient", afterFrames: 1, at: "payload" }, ["one"]],
  [{ direction: "toClient", afterFrames: 0, at: "after" }, ["one"]],
  [{ direction: "toClient", afterFrames: 1, at: "character" }, messages.slice(0, 2)],
])("frames to the client: %o", async ([point, echoed]) => {
  expect((await talk(point)).echoed).toEqual(echoed);
});
