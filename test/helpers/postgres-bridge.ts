/**
 * Postgres in this process, on a TCP port: PGlite behind the wire protocol, so that the real client is
 * used. PGlite has one session; connections take turns, a whole transaction at a time.
 */
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { PGlite } from "@electric-sql/pglite";

export interface PostgresBridge {
  readonly url: string;
  /** Ends every connection, and takes no other one until the returned function was called. */
  stop(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

const password = "bridge-secret";

export async function startPostgresBridge(): Promise<PostgresBridge> {
  const database = await PGlite.create();
  const turns = new Turns();
  const sockets = new Set<Socket>();
  const listen = async (port: number): Promise<Server> => {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      serve(socket, database, turns).catch(() => socket.destroy());
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(port, "127.0.0.1", resolve);
    });
    return server;
  };
  let server = await listen(0);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    url: `postgres://farhelm:${password}@127.0.0.1:${address.port}/farhelm`,
    stop: async () => {
      await stop();
      return async () => {
        server = await listen(address.port);
      };
    },
    close: async () => {
      await stop();
      await turns.take(async () => undefined);
      await database.close();
    },
  };
}

/** One after the other, in the order of asking. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}

/** One connection, from its first message to its end. */
async function serve(socket: Socket, database: PGlite, turns: Turns): Promise<void> {
  const messages = messagesOf(socket);
  if (!(await signedIn(socket, messages))) {
    socket.end();
    return;
  }
  const groups = groupsOf(messages);
  const next = async (): Promise<readonly Buffer[] | undefined> => {
    const { done, value } = await groups.next();
    return done === true ? undefined : value;
  };
  for (let group = await next(); group !== undefined; group = await next()) {
    let open = group;
    await turns.take(async () => {
      while ((await answered(socket, database, open)) !== "I") {
        const more = await next().catch(() => undefined);
        if (more === undefined) {
          await database.execProtocolRaw(message("Q", "ROLLBACK\0"));
          return;
        }
        open = more;
      }
    });
  }
  socket.end();
}

/** Sends the answer, and returns the state of the transaction. */
async function answered(
  socket: Socket,
  database: PGlite,
  group: readonly Buffer[],
): Promise<string> {
  const parts: Buffer[] = [];
  for (const each of group) parts.push(Buffer.from(await database.execProtocolRaw(each)));
  const answer = Buffer.concat(parts);
  socket.write(answer);
  return answer.subarray(-1).toString("latin1");
}

/** The client's messages; the first one has no type. */
async function* messagesOf(socket: Socket): AsyncGenerator<Buffer> {
  let unread = Buffer.alloc(0);
  let typeBytes = 0;
  let wanted = 4;
  const waiting: Buffer[] = [];
  let waitingBytes = 0;
  for await (const chunk of socket) {
    if (!Buffer.isBuffer(chunk)) throw new Error("a socket gives bytes");
    waiting.push(chunk);
    waitingBytes += chunk.length;
    if (waitingBytes < wanted) continue;
    unread = Buffer.concat(waiting.splice(0));
    for (;;) {
      if (unread.length < typeBytes + 4) {
        wanted = typeBytes + 4;
        break;
      }
      wanted = typeBytes + unread.readUInt32BE(typeBytes);
      if (unread.length < wanted) break;
      yield unread.subarray(0, wanted);
      unread = unread.subarray(wanted);
      typeBytes = 1;
    }
    waiting.push(unread);
    waitingBytes = unread.length;
  }
}

/** What belongs together: everything up to the message after which the client waits. */
async function* groupsOf(messages: AsyncGenerator<Buffer>): AsyncGenerator<readonly Buffer[]> {
  let group: Buffer[] = [];
  for await (const each of messages) {
    const type = String.fromCharCode(each[0] ?? 0);
    if (type === "X") return;
    group.push(each);
    if (type !== "S" && type !== "Q") continue;
    yield group;
    group = [];
  }
}

async function signedIn(socket: Socket, messages: AsyncGenerator<Buffer>): Promise<boolean> {
  await messages.next();
  socket.write(message("R", int32(3)));
  const { value: answer } = await messages.next();
  const given = Buffer.isBuffer(answer) ? answer.subarray(5, -1).toString("utf8") : "";
  if (given !== password) {
    const text = 'password authentication failed for user "farhelm"';
    socket.write(message("E", `SFATAL\0C28P01\0M${text}\0\0`));
    return false;
  }
  const settings = { server_version: "17.0", server_encoding: "UTF8", client_encoding: "UTF8" };
  socket.write(
    Buffer.concat([
      message("R", int32(0)),
      ...Object.entries(settings).map(([name, value]) => message("S", `${name}\0${value}\0`)),
      message("K", Buffer.concat([int32(1), int32(1)])),
      message("Z", "I"),
    ]),
  );
  return true;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function message(type: string, body: string | Buffer): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(type), int32(bytes.length + 4), bytes]);
}
