import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LocalDoor } from "../../../src/relay/local-door.ts";
import type { Upstream } from "../../../src/relay/upstream.ts";

let folder: string;
let path: string;
let far: Server;
let door: LocalDoor;
/** Connections that the far side took. */
let taken: Socket[];
/** Openings that wait for a word. */
let waiting: ((upstream: Upstream | { status: number; text: string }) => void)[];
const clients = new Set<Socket>();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "farhelm-door-"));
  path = join(folder, "near.sock");
  taken = [];
  waiting = [];
  far = createServer((socket) => {
    socket.on("error", () => {});
    taken.push(socket);
  }).listen(join(folder, "far.sock"));
  await once(far, "listening");
  const open = () =>
    new Promise<Upstream | { status: number; text: string }>((resolve) => waiting.push(resolve));
  door = new LocalDoor({ path, isChosen: false, open, over: () => {} });
  await door.listen();
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  clients.clear();
  await door.close();
  for (const socket of taken) socket.destroy();
  far.close();
  rmSync(folder, { recursive: true });
});

const upgrade = [
  "GET / HTTP/1.1",
  "Host: localhost",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  "",
  "",
].join("\r\n");

function knock(text = upgrade): Socket {
  const client = connect(path);
  client.on("error", () => {});
  clients.add(client);
  client.write(text);
  return client;
}

async function upstream(head = ""): Promise<Upstream> {
  const socket = connect(join(folder, "far.sock"));
  await once(socket, "connect");
  return { socket, head: Buffer.from(head) };
}

const firstWords = async (client: Socket): Promise<string> => {
  const [chunk] = await once(client, "data");
  return String(chunk);
};

describe("the local door", () => {
  it("answers the handshake of RFC 6455, and gives what came with it to the other side", async () => {
    const client = knock(`${upgrade}early`);
    await expect.poll(() => waiting.length).toBe(1);
    waiting[0]?.(await upstream("hello"));
    // The key is sixteen zero bytes; the answer is what the RFC's rule makes of it.
    let said = "";
    client.on("data", (chunk) => (said += String(chunk)));
    await expect.poll(() => said).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\nhello$/);
    expect(said).toContain("Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n");
    expect(said).not.toMatch(/sec-websocket-(?:protocol|extensions)/i);
    const [there] = taken;
    expect(there && (await firstWords(there))).toBe("early");
  });

  it("has 64 places, those that wait for the host included", async () => {
    for (let count = 0; count < 64; count += 1) knock();
    await expect.poll(() => waiting.length).toBe(64);
    expect(await firstWords(knock())).toContain("503");
    waiting[0]?.({ status: 502, text: "no way" });
    await expect
      .poll(() => {
        knock();
        return waiting.length;
      })
      .toBeGreaterThan(64);
  });

  it("leaves no connection to the host behind when the client has gone meanwhile", async () => {
    const client = knock();
    await expect.poll(() => waiting.length).toBe(1);
    client.destroy();
    await once(client, "close");
    const { socket, head } = await upstream();
    waiting[0]?.({ socket, head });
    await once(socket, "close");
    expect(socket.destroyed).toBe(true);
  });

  it("ends all connections when it closes", async () => {
    const client = knock();
    await expect.poll(() => waiting.length).toBe(1);
    waiting[0]?.(await upstream());
    await firstWords(client);
    const gone = Promise.all([once(client, "close"), taken[0] && once(taken[0], "close")]);
    await door.close();
    await gone;
    expect(client.destroyed).toBe(true);
  });
});
