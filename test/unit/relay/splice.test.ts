import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { splice } from "../../../src/relay/splice.ts";

/** Two ends of a real connection; the far one is the relay's. */
interface Line {
  readonly outside: Socket;
  readonly inside: Socket;
}

let server: Server;
let near: Line;
let far: Line;
let joined: Promise<void>;

async function line(): Promise<Line> {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  const arrived = once(server, "connection");
  const outside = connect({ port: address.port, allowHalfOpen: true });
  outside.on("error", () => {});
  const [inside] = await arrived;
  return { outside, inside };
}

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  near = await line();
  far = await line();
  joined = splice(near.inside, far.inside);
});
afterEach(() => {
  for (const { outside, inside } of [near, far]) {
    outside.destroy();
    inside.destroy();
  }
  server.close();
});

async function read(socket: Socket, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk);
    size += Buffer.byteLength(chunk);
    if (size >= bytes) break;
  }
  return Buffer.concat(chunks);
}

describe("two connections that were joined", () => {
  it("pass every byte on, both ways", async () => {
    const large = Buffer.alloc(3_000_000, "abcdefg");
    near.outside.write(large);
    far.outside.write("back");
    const [there, back] = await Promise.all([
      read(far.outside, large.length),
      read(near.outside, 4),
    ]);
    expect(there.equals(large)).toBe(true);
    expect(back.toString()).toBe("back");
  });

  it.each([
    ["one", () => [near, far] as const],
    ["the other", () => [far, near] as const],
  ])("end together, after the last words of %s", async (_, sides) => {
    const [first, other] = sides();
    const last = read(other.outside, 4);
    first.outside.end("bye!");
    expect((await last).toString()).toBe("bye!");
    other.outside.end();
    await expect(joined).resolves.toBeUndefined();
  });

  it("end together when one breaks", async () => {
    near.outside.resume();
    const gone = once(near.outside, "end");
    far.outside.resetAndDestroy();
    await gone;
    near.outside.end();
    await expect(joined).resolves.toBeUndefined();
  });

  it("make a fast side wait for a slow one, with a few buffers in between", async () => {
    const chunk = Buffer.alloc(64 * 1024);
    let sent = 0;
    const stalled = new Promise<void>((resolve) => {
      const pump = (): void => {
        while (far.outside.write(chunk)) sent += chunk.length;
        sent += chunk.length;
        const waits = setTimeout(resolve, 1_000);
        far.outside.once("drain", () => {
          clearTimeout(waits);
          pump();
        });
      };
      pump();
    });
    await stalled;
    // What the kernel holds is its own; in this process there is next to nothing.
    const held = near.inside.writableLength + far.inside.readableLength;
    expect({ held: held <= 1024 * 1024, went: sent > 0 }).toEqual({ held: true, went: true });
    const owed = sent;
    const rest = await read(near.outside, owed);
    expect(rest.length).toBeGreaterThanOrEqual(owed);
  });

  it("are cut when one has gone and the other stays silent", async () => {
    far.outside.on("data", () => {});
    near.outside.end();
    await expect(joined).resolves.toBeUndefined();
  }, 20_000);
});
