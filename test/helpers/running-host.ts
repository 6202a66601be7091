/** The whole host in this process, over two temporary homes and a scripted model endpoint. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RawData } from "ws";
import { WebSocket } from "ws";
import { startHost } from "../../src/app.ts";
import type { HostOptions, RunningHost } from "../../src/cli/host.ts";
import type { Role } from "../../src/protocol/principal.ts";
import type { Sent } from "./text-frames.ts";

export interface Homes {
  readonly root: string;
  readonly codexHome: string;
  readonly farhelmHome: string;
  readonly cwd: string;
}

const made = new Set<string>();
const running = new Set<RunningHost>();
const clients = new Set<HostClient>();

export function temporaryHomes(configToml: string): Homes {
  const root = mkdtempSync(join(tmpdir(), "farhelm-host-"));
  made.add(root);
  const homes = {
    root,
    codexHome: join(root, "codex"),
    farhelmHome: join(root, "farhelm"),
    cwd: join(root, "work"),
  };
  for (const folder of [homes.codexHome, homes.cwd]) mkdirSync(folder);
  writeFileSync(join(homes.codexHome, "config.toml"), configToml);
  return homes;
}

/** config.toml for an endpoint at `baseUrl`; more lines of the top table come first. */
export const configFor = (baseUrl: string, top = ""): string => `model = "mock-model"
model_provider = "mock"
${top}
[model_providers.mock]
name = "Mock"
base_url = "${baseUrl}"
wire_api = "responses"
`;

export async function startOn(
  homes: Homes,
  changes: Partial<HostOptions> = {},
): Promise<RunningHost> {
  process.env["FARHELM_CHECK_RESULTS"] = "1";
  const host = await startHost({
    listen: { host: "127.0.0.1", port: 0 },
    lan: false,
    publicOrigin: undefined,
    allowedHosts: [],
    trustedProxies: [],
    allowRemoteHeadless: false,
    defaultCwd: homes.cwd,
    configOverrides: [],
    store: undefined,
    databaseUrl: undefined,
    systemFolder: join(homes.root, "etc"),
    codexHome: homes.codexHome,
    farhelmHome: homes.farhelmHome,
    version: "0.0.0",
    ...changes,
  });
  running.add(host);
  return host;
}

export async function stop(host: RunningHost): Promise<void> {
  if (running.delete(host)) await host.close();
}

/** For `afterEach`. */
export async function stopHosts(): Promise<void> {
  for (const client of clients) client.drop();
  clients.clear();
  for (const host of running) await stop(host);
  for (const root of made) await rm(root, { recursive: true, force: true });
  made.clear();
}

/** An initialised connection over control.sock, which keeps everything that it is sent. */
export class HostClient {
  readonly sent: Sent[] = [];
  /** What was called, by the id of the request. */
  readonly called = new Map<unknown, { readonly method: string; readonly params: object }>();
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #waiting = new Set<() => void>();
  #ids = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("message", (data: RawData) => {
      this.sent.push(JSON.parse(Buffer.isBuffer(data) ? data.toString() : ""));
      for (const check of this.#waiting) check();
    });
    this.closed = new Promise((resolve) => {
      socket.on("close", (code) => resolve(code));
    });
    clients.add(this);
  }

  /** As the local admin. */
  static connect(homes: Pick<Homes, "farhelmHome">): Promise<HostClient> {
    return this.initialized(
      new WebSocket(`ws+unix://${join(homes.farhelmHome, "control.sock")}:/`),
    );
  }

  /** Over TCP, with a headless token of this role, which `admin` issues. */
  static async connectAs(role: Role, host: RunningHost, admin: HostClient): Promise<HostClient> {
    const { token } = await admin.call("farhelm/token/issue", { name: role, role, ttlMs: 60_000 });
    const headers = { authorization: `Bearer ${String(token)}` };
    return this.initialized(new WebSocket(host.url.replace("http", "ws"), { headers }));
  }

  static async initialized(socket: WebSocket): Promise<HostClient> {
    const client = await this.opened(socket);
    await client.call("initialize", {
      clientInfo: { name: "test", version: "1" },
      capabilities: { experimentalApi: true, threads: [] },
    });
    return client;
  }

  /** Nothing was said on it yet. */
  static async opened(socket: WebSocket): Promise<HostClient> {
    const client = new HostClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", () => resolve());
      socket.once("error", reject);
    });
    return client;
  }

  /** The result; rejects with the error's code and message. */
  async call(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    const id = `r${this.#ids++}`;
    this.called.set(id, { method, params });
    this.#socket.send(JSON.stringify({ id, method, params }));
    const answer = await this.until((sent) => sent.id === id && sent.method === undefined);
    if (answer.error)
      throw new Error(`${answer.error.code} ${answer.error.message}`, {
        cause: answer.error,
      });
    return Object(answer.result);
  }

  /** Any text, well formed or not. */
  sendText(text: string): void {
    this.#socket.send(text);
  }

  answer(id: string | number | undefined, result: object): void {
    this.#socket.send(JSON.stringify({ id, result }));
  }

  /** The first message that matches, also of those that came before. */
  until(matches: (sent: Sent) => boolean): Promise<Sent> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = this.sent.find(matches);
        if (!found) return;
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }

  turnEnded(turnId: unknown): Promise<Sent> {
    return this.until(
      ({ method, params }) =>
        method === "turn/completed" && Object(params?.["turn"])["id"] === turnId,
    );
  }

  async startThread(params: object = {}): Promise<string> {
    const { thread } = await this.call("thread/start", params);
    return String(Object(thread)["id"]);
  }

  async startTurn(threadId: string, text: string): Promise<string> {
    const { turn } = await this.call("turn/start", {
      threadId,
      input: [{ type: "text", text }],
    });
    return String(Object(turn)["id"]);
  }

  /** All notifications and server requests of a thread, without what only one connection can have. */
  eventsOf(threadId: string): readonly Sent[] {
    return this.sent.filter(({ method, params }) => method && params?.["threadId"] === threadId);
  }

  /** Reads nothing more until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** The connection breaks without a goodbye. */
  drop(): void {
    this.#socket.terminate();
  }
}
