/** A client of the protocol for either program: requests, notifications, and yes to every question. */
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";

interface Frame {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

export class StockPeer {
  readonly #socket: WebSocket;
  readonly #inbox: Frame[] = [];
  readonly #checks = new Set<() => void>();
  #nextId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => this.#take(JSON.parse(data.toString("utf8"))));
  }

  /** Keeps trying until the server is there, and initializes. */
  static async connect(url: string, timeoutMs = 20_000): Promise<StockPeer> {
    for (const endMs = Date.now() + timeoutMs; ;) {
      const socket = new WebSocket(url);
      const opened = await new Promise<boolean>((resolve) => {
        socket.once("open", () => resolve(true));
        socket.once("error", () => resolve(false));
      });
      if (opened) {
        const peer = new StockPeer(socket);
        await peer.request("initialize", {
          clientInfo: { name: "round-trip", version: "1" },
          capabilities: { experimentalApi: true },
        });
        peer.#send({ method: "initialized" });
        return peer;
      }
      if (Date.now() > endMs) throw new Error(`no server at ${url}`);
      await delay(100);
    }
  }

  /** Rejects with the server's own message. */
  async request<T = Record<string, unknown>>(method: string, params: unknown): Promise<T> {
    const id = ++this.#nextId;
    this.#send({ id, method, params });
    const answer = await this.#until((frame) => frame.id === id && frame.method === undefined);
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
    const result: T = JSON.parse(JSON.stringify(answer.result ?? null));
    return result;
  }

  /** Runs a turn to its end. */
  async turn(threadId: string, text: string): Promise<void> {
    const input = [{ type: "text", text, text_elements: [] }];
    const seen = this.#inbox.length;
    await this.request("turn/start", { threadId, input });
    await this.#until(
      (frame) => frame.method === "turn/completed" && frame.params?.["threadId"] === threadId,
      seen,
    );
  }

  close(): void {
    this.#socket.terminate();
  }

  #send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }

  #take(frame: Frame): void {
    this.#inbox.push(frame);
    if (frame.id !== undefined && frame.method !== undefined) {
      this.#send({ id: frame.id, result: { decision: "accept" } });
    }
    for (const check of this.#checks) check();
  }

  /** The first frame, of those after the first `from`, that `matches`. */
  #until(matches: (frame: Frame) => boolean, from = 0, timeoutMs = 30_000): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(late);
        this.#checks.delete(check);
      };
      const late = setTimeout(() => {
        finish();
        const last = JSON.stringify(this.#inbox.slice(-8));
        reject(new Error(`nothing came in ${timeoutMs} ms; the last frames: ${last}`));
      }, timeoutMs);
      const check = (): void => {
        const found = this.#inbox.slice(from).find(matches);
        if (found === undefined) return;
        finish();
        resolve(found);
      };
      this.#checks.add(check);
      check();
    });
  }
}
