import type { Socket } from "node:net";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";

export interface RawAnswer {
  readonly status: number;
  /** Lower-case names; the last of equal ones. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface RawTarget {
  readonly port?: number;
  readonly path?: string;
  readonly tls?: boolean;
  /** The caller's own address: `::1`, or on Linux any of 127.0.0.0/8. */
  readonly from?: string;
}

/** A bare connection: writes exactly what it is told. */
export function rawSocket({ port, path, tls, from }: RawTarget): Socket {
  if (path !== undefined) return connect(path);
  const at = {
    host: from?.includes(":") ? "::1" : "127.0.0.1",
    port: port ?? 0,
    ...(from === undefined ? {} : { localAddress: from }),
  };
  return tls ? connectTls({ ...at, rejectUnauthorized: false }) : connect(at);
}

/** Sends `text` and reads one answer: to its Content-Length, to the end of a 101's head, or to the end of the connection. */
export async function rawExchange(target: RawTarget, text: string): Promise<RawAnswer> {
  const socket = rawSocket(target);
  try {
    socket.write(text);
    return await readAnswer(socket);
  } finally {
    socket.destroy();
  }
}

export function readAnswer(socket: Socket): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let received = "";
    const settle = (atEnd: boolean): void => {
      const answer = parseAnswer(received, atEnd);
      if (answer) resolve(answer);
    };
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      settle(false);
    });
    socket.on("error", reject);
    socket.on("close", () => {
      settle(true);
      reject(new Error(`the connection ended without an answer: ${JSON.stringify(received)}`));
    });
  });
}

/** The text of a WebSocket upgrade as a native client sends it; `changes` replace headers, undefined leaves one out. */
export function upgradeText(
  target: string,
  changes: Readonly<Record<string, string | undefined>>,
  method = "GET",
  version = "1.1",
): string {
  const headers = {
    Host: "",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...changes,
  };
  const lines = Object.entries(headers)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}`);
  return `${method} ${target} HTTP/${version}\r\n${lines.join("\r\n")}\r\n\r\n`;
}

function parseAnswer(text: string, atEnd: boolean): RawAnswer | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const [statusLine = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const status = Number(statusLine.split(" ")[1]);
  const rest = text.slice(end + 4);
  const length = status === 101 ? 0 : Number(headers["content-length"] ?? Number.POSITIVE_INFINITY);
  if (rest.length < length && !atEnd) return undefined;
  return { status, headers, body: status === 101 ? rest : rest.slice(0, length) };
}
