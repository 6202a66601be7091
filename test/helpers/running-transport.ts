import type { RawData } from "ws";
import { WebSocket } from "ws";
import type { Principal } from "../../src/protocol/principal.ts";
import type { TransportOptions } from "../../src/transport/options.ts";
import type { Transport } from "../../src/transport/server.ts";
import { createTransport } from "../../src/transport/server.ts";
import { FakeAuthApi, FakeGatekeeper } from "./fake-gatekeeper.ts";
import { FakeSessions } from "./fake-sessions.ts";
import { MemoryAudit } from "./memory-audit.ts";
import { MemoryLog } from "./memory-log.ts";

const address = "127.0.0.1";
export const phone: Principal = {
  kind: "device",
  id: "phone",
  name: "Phone",
  role: "operator",
  address,
};
export const script: Principal = {
  kind: "headless",
  id: "script",
  name: "CI",
  role: "admin",
  address,
};

export interface RunningTransport {
  readonly transport: Transport;
  readonly url: string;
  readonly port: number;
  readonly gatekeeper: FakeGatekeeper;
  readonly authApi: FakeAuthApi;
  readonly sessions: FakeSessions;
  readonly log: MemoryLog;
  readonly audit: MemoryAudit;
}

const running = new Set<Transport>();

/** A transport on a free loopback port over working fakes. The token `good` is `script`'s. */
export async function startTransport(
  options: Partial<TransportOptions> = {},
): Promise<RunningTransport> {
  const gatekeeper = new FakeGatekeeper();
  gatekeeper.tokens.set("good", script);
  const authApi = new FakeAuthApi();
  const sessions = new FakeSessions();
  const log = new MemoryLog();
  const audit = new MemoryAudit();
  const transport = createTransport(
    { host: "127.0.0.1", port: 0, ...options },
    { gatekeeper, authApi, sessions, log, audit },
  );
  running.add(transport);
  const { url, port } = await transport.listen();
  return { transport, url, port, gatekeeper, authApi, sessions, log, audit };
}

/** For `afterEach`. */
export async function stopTransports(): Promise<void> {
  for (const transport of running) await transport.close();
  running.clear();
}

/** An open WebSocket with the texts that came and its end as a promise. */
export class TestClient {
  readonly socket: WebSocket;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #texts: string[] = [];
  #changed = (): void => {};

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("message", (data: RawData) => {
      this.#texts.push(Buffer.isBuffer(data) ? data.toString() : "");
      this.#changed();
    });
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  opened(): Promise<this> {
    return new Promise((resolve, reject) => {
      this.socket.once("open", () => resolve(this));
      this.socket.once("error", reject);
      this.socket.once("unexpected-response", (_request, response) =>
        reject(new Error(`HTTP ${response.statusCode}`)),
      );
    });
  }

  /** The next text message. */
  async next(): Promise<string> {
    for (;;) {
      const text = this.#texts.shift();
      if (text !== undefined) return text;
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

/** Opens the native route with the token `good`. */
export const nativeClient = (port: number, path = "/"): Promise<TestClient> =>
  new TestClient(
    new WebSocket(`ws://127.0.0.1:${port}${path}`, {
      headers: { authorization: "Bearer good" },
    }),
  ).opened();
