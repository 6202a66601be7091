/** The program's own client behind a line that fails, its sign-in included; what it tells its listener makes the view. */
import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { RawData } from "ws";
import { WebSocket } from "ws";
import type { HttpPost } from "../../src/client/auth-calls.ts";
import type { OpenSocket } from "../../src/client/client-socket.ts";
import type { ConnectionState } from "../../src/client/connection-state.ts";
import type { AccessToken } from "../../src/client/credentials.ts";
import type { KeyStore } from "../../src/client/device-key.ts";
import { FarhelmClient } from "../../src/client/farhelm-client.ts";
import type { HostNotification, HostRequest } from "../../src/client/host-api.ts";
import { CallRefused, OutcomeUnknown } from "../../src/client/rpc-peer.ts";
import type { Resumed } from "../../src/client/watched-threads.ts";
import { isRecord } from "../../src/util/is-record.ts";
import { textIn } from "../helpers/kill-ledger.ts";
import type { Json } from "../helpers/kill-peer.ts";
import { ClientView } from "./client-view.ts";
import type { ClientParts, Decision, SceneClient } from "./scene-client.ts";
import type { CallEnd, CallOptions } from "./wire-calls.ts";

/** A device that was paired with the host. */
export interface Device {
  readonly origin: string;
  readonly keyStore: KeyStore;
  readonly token: AccessToken;
}

export interface LibraryClientParts extends ClientParts {
  readonly device: Device;
}

/** Its answers hold a thread that is followed from then on. */
const begins: ReadonlySet<string> = new Set(["thread/start", "thread/fork"]);
const never = (): void => {};

/** The names of methods come from elsewhere here. */
interface AnyCalls {
  call(method: string, params: object, options: object): Promise<unknown>;
}

interface AnyAnswers {
  answer(id: string | number, method: string, result: object): void;
}

export class LibraryClient implements SceneClient {
  readonly name: string;
  readonly view: ClientView;
  readonly #parts: LibraryClientParts;
  readonly #client: FarhelmClient;
  /** Breaks everything that is open. */
  readonly #open = new Set<() => void>();
  #gapIn: string | undefined;
  #waiting: (() => void)[] = [];

  constructor(parts: LibraryClientParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.view = new ClientView({
      name: parts.name,
      asked: (id, copy, question) => {
        const decision = parts.decide(question);
        if (decision !== undefined) void this.#answer(id, copy.id, decision);
      },
      ended: (threadId) => this.#client.unwatch(threadId),
      // It fetches the thread anew by itself.
      reverted: (threadId) => void this.view.subscribed.delete(threadId),
    });
    this.#client = new FarhelmClient({
      origin: parts.device.origin,
      post: this.#post,
      openSocket: this.#openSocket,
      keyStore: parts.device.keyStore,
      clientInfo: { name: parts.name, title: parts.name, version: "1" },
      listener: {
        stateChanged: (state) => this.#stateChanged(state),
        notified: ({ method, params }: HostNotification) =>
          this.view.notified(method, params, undefined),
        asked: ({ id, method, params }: HostRequest) => {
          if (isRecord(params)) this.view.ask(id, { method, params }, undefined);
        },
        resumed: (answer) => this.#resumed(answer),
        caughtUp: (threadId) => this.view.caughtUp(threadId),
        gap: (threadId) => {
          this.#gapIn = threadId;
        },
        resumeFailed: (threadId, { message }) => {
          parts.log(`${this.name} cannot resume ${threadId}: ${message}`);
          this.view.forget(threadId);
          this.#client.unwatch(threadId);
        },
      },
    });
  }

  get connected(): boolean {
    return this.#client.state.kind === "connected";
  }

  start(): void {
    this.#client.start(this.#parts.device.token);
  }

  stop(): Promise<void> {
    this.#client.stop();
    this.giveUp();
    return Promise.resolve();
  }

  giveUp(): void {
    for (const breakOff of this.#open) breakOff();
  }

  whenConnected(): Promise<void> {
    if (this.connected) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  async call(method: string, params: Json, { taken }: CallOptions): Promise<CallEnd> {
    const end = await this.#end(method, params);
    taken?.(end);
    return end;
  }

  watch(threadId: string): Promise<void> {
    this.view.watched.add(threadId);
    this.#client.watch(threadId);
    return Promise.resolve();
  }

  leave(threadId: string): Promise<void> {
    this.view.leave(threadId);
    this.view.subscribed.delete(threadId);
    this.#client.unwatch(threadId);
    return Promise.resolve();
  }

  /** It did so itself, before the first event that followed the answer. */
  adopt(): void {}

  answerAll(decision: Decision["decision"]): void {
    for (const { id: threadId, questions } of this.view.copies.values()) {
      for (const id of questions.keys()) void this.#answer(id, threadId, { decision, afterMs: 0 });
    }
  }

  async #end(method: string, params: Json): Promise<CallEnd> {
    const calls: AnyCalls = this.#client;
    try {
      const options = { retry: true, watch: begins.has(method) };
      const result = await calls.call(method, params, options);
      return { kind: "answered", result: isRecord(result) ? result : {}, replayed: false };
    } catch (error) {
      const { cause } = error instanceof OutcomeUnknown ? error : { cause: error };
      if (!(cause instanceof CallRefused)) return { kind: "lost" };
      const { reason, code, message } = cause;
      return { kind: "refused", code: reason ?? String(code), message };
    }
  }

  #stateChanged(state: ConnectionState): void {
    if (state.kind === "connected") {
      for (const resolve of this.#waiting.splice(0)) resolve();
      return;
    }
    this.view.disconnected();
    if (state.kind === "signedOut") this.view.faults.push(`${this.name}: ${state.reason.message}`);
    // In much less time than it would wait by itself.
    if (state.kind === "waiting") setTimeout(() => this.#client.wake(), this.#parts.backOffMs());
  }

  #resumed(answer: Resumed): void {
    const { thread } = answer;
    if (!isRecord(thread)) return;
    const gap = this.#gapIn === textIn(thread, "id");
    this.#gapIn = undefined;
    this.view.watched.add(textIn(thread, "id"));
    const stream = "stream" in answer ? answer.stream : undefined;
    const epoch = isRecord(stream) ? textIn(stream, "epoch") : "";
    this.view.resumed(thread, gap ? "gap" : "snapshot", { epoch });
  }

  async #answer(id: string | number, threadId: string, { decision, afterMs }: Decision) {
    if (afterMs > 0) await delay(afterMs);
    const question = this.view.copies.get(threadId)?.questions.get(id);
    if (question === undefined || !this.connected || !this.view.subscribed.has(threadId)) return;
    this.#parts.log(`${this.name} answers ${id} with ${decision}`);
    const answers: AnyAnswers = this.#client;
    answers.answer(id, question.method, { decision });
  }

  readonly #post: HttpPost = (url, { method, headers, body }) => {
    const { proxy, hostPort } = this.#parts;
    return new Promise((resolve, reject) => {
      const call = request({
        port: proxy.port,
        host: "127.0.0.1",
        path: new URL(url).pathname,
        method,
        headers: { ...headers, host: `localhost:${hostPort()}` },
        agent: false,
      });
      const breakOff = (): void => void call.destroy();
      this.#open.add(breakOff);
      call.on("close", () => this.#open.delete(breakOff));
      call.on("error", reject);
      call.on("response", (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (piece: string) => (text += piece));
        answer.on("error", reject);
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, text: () => Promise.resolve(text) }),
        );
      });
      call.end(body);
    });
  };

  readonly #openSocket: OpenSocket = (_url, protocols, listener) => {
    const { proxy, hostPort, device, trace } = this.#parts;
    const headers = { host: `localhost:${hostPort()}` };
    const options = { origin: device.origin, headers, perMessageDeflate: false };
    const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/ws`, [...protocols], options);
    const breakOff = (): void => socket.terminate();
    this.#open.add(breakOff);
    socket.on("open", () => listener.opened());
    socket.on("message", (data: RawData) => {
      if (!Buffer.isBuffer(data)) return;
      const text = data.toString();
      trace(this.name, JSON.parse(text));
      listener.received(text);
    });
    socket.on("error", never);
    socket.on("close", (code, reason) => {
      this.#open.delete(breakOff);
      listener.closed(code, reason.toString());
    });
    return {
      send: (text) => socket.send(text, never),
      close: (code, reason) => socket.close(code, reason),
    };
  };
}
