/**
 * A client behind a line that fails, of bare frames. It comes back after every loss, and either knows how to (positions,
 * keys, open questions) or only resumes, as stock clients do.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { RawData } from "ws";
import { WebSocket } from "ws";
import { deferred } from "../../src/util/deferred.ts";
import { isRecord } from "../../src/util/is-record.ts";
import { listOf, textIn } from "../helpers/kill-ledger.ts";
import type { Json } from "../helpers/kill-peer.ts";
import { ClientView } from "./client-view.ts";
import type { ClientParts, Decision, SceneClient } from "./scene-client.ts";
import type { Position, ThreadCopy } from "./thread-copy.ts";
import type { CallEnd, CallOptions } from "./wire-calls.ts";
import { WireCalls } from "./wire-calls.ts";

export interface WireClientParts extends ClientParts {
  /** Whether it says where it was, sends keys, and names its threads in `initialize`; else it only resumes. */
  readonly counts: boolean;
  readonly token: string;
}

/** Whatever hangs in a handshake is given up after that. */
const handshakeMs = 3_000;

const positionIn = (stream: unknown): { readonly position?: Position } => {
  if (!isRecord(stream)) return {};
  const { epoch, seq } = stream;
  return typeof epoch === "string" && typeof seq === "number" ? { position: { epoch, seq } } : {};
};

const never = (): void => {};

export class WireClient implements SceneClient {
  readonly name: string;
  readonly view: ClientView;
  readonly #parts: WireClientParts;
  readonly #calls: WireCalls;
  #socket: WebSocket | undefined;
  #entered = false;
  #stopped = false;
  #entries = 0;
  #ended: Promise<void> = Promise.resolve();
  #waiting: (() => void)[] = [];

  constructor(parts: WireClientParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.#calls = new WireCalls(parts.name, parts.counts);
    this.view = new ClientView({
      name: parts.name,
      asked: (id, copy, question) => {
        const decision = parts.decide(question);
        if (decision !== undefined) void this.#answer(id, copy, decision);
      },
      ended: (threadId) => void this.call("thread/unsubscribe", { threadId }, { changes: false }),
      reverted: (threadId) => void this.#resume(threadId),
    });
  }

  get connected(): boolean {
    return this.#entered;
  }

  start(): void {
    this.#ended = this.#live();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#socket?.terminate();
    await this.#ended;
    this.#calls.stop();
  }

  giveUp(): void {
    this.#socket?.terminate();
  }

  whenConnected(): Promise<void> {
    if (this.#entered) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  call(method: string, params: Json, options: CallOptions): Promise<CallEnd> {
    return this.#calls.call(method, params, options);
  }

  /** On the answer the copy is made, before any event that follows it. */
  watch(threadId: string): Promise<CallEnd> {
    this.view.watched.add(threadId);
    return this.#resume(threadId);
  }

  async leave(threadId: string): Promise<void> {
    this.view.leave(threadId);
    const taken = (): void => void this.view.subscribed.delete(threadId);
    await this.call("thread/unsubscribe", { threadId }, { changes: false, taken });
  }

  /** The answer of thread/start or thread/fork subscribes, unless it is that of an earlier request. */
  adopt({ result, replayed }: Extract<CallEnd, { kind: "answered" }>): void {
    const { thread, stream } = result;
    if (!isRecord(thread)) return;
    const id = textIn(thread, "id");
    this.view.watched.add(id);
    this.view.show(thread, positionIn(stream));
    if (!replayed) return;
    // The connection that made it is gone, and what was told on it.
    this.view.subscribed.delete(id);
    void this.#resume(id);
  }

  answerAll(decision: Decision["decision"]): void {
    for (const copy of this.view.copies.values()) {
      for (const id of copy.questions.keys()) void this.#answer(id, copy, { decision, afterMs: 0 });
    }
  }

  async #live(): Promise<void> {
    while (!this.#stopped) {
      const { proxy, token, hostPort, backOffMs } = this.#parts;
      const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`, {
        headers: { authorization: `Bearer ${token}`, host: `localhost:${hostPort()}` },
        handshakeTimeout: handshakeMs,
        perMessageDeflate: false,
      });
      this.#socket = socket;
      const closed = deferred<void>();
      socket.on("error", never);
      socket.on("open", () => this.#enter());
      socket.on("close", () => closed.resolve());
      socket.on("message", (data: RawData) => {
        if (Buffer.isBuffer(data)) this.#take(JSON.parse(data.toString()));
      });
      await closed.promise;
      this.#disconnected();
      if (!this.#stopped) await delay(backOffMs());
    }
  }

  #enter(): void {
    const threads = this.#subscribable();
    const capabilities = { experimentalApi: true, ...(this.#parts.counts && { threads }) };
    const params = { clientInfo: { name: this.name, version: "1" }, capabilities };
    this.#socket?.send(JSON.stringify({ id: "initialize", method: "initialize", params }), never);
  }

  /** What `initialize` names: every second time, so that both ways are gone. */
  #subscribable(): readonly Json[] {
    if (!this.#parts.counts || (this.#entries += 1) % 2 === 0) return [];
    return [...this.view.watched].flatMap((threadId) => {
      const since = this.#since(threadId);
      return since === undefined ? [] : [{ threadId, since }];
    });
  }

  #since(threadId: string): Json | undefined {
    const copy = this.#parts.counts ? this.view.copies.get(threadId) : undefined;
    const position = copy?.isStale ? undefined : copy?.position;
    return position && { ...position, requestIds: [...(copy?.questions.keys() ?? [])] };
  }

  #entering(result: Json): void {
    this.#entered = true;
    for (const { threadId, stream } of listOf(result["threads"])) {
      if (!isRecord(stream) || typeof threadId !== "string") continue;
      if (stream["outcome"] === "replayed") this.view.caughtUp(threadId);
    }
    const socket = this.#socket;
    this.#calls.connected((text) => socket?.send(text, never));
    for (const threadId of this.view.watched) {
      if (!this.view.subscribed.has(threadId)) void this.#resume(threadId);
    }
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #disconnected(): void {
    this.#entered = false;
    this.view.disconnected();
    this.#calls.lost();
  }

  /** Where it was it says once on a connection: what comes live after that is not to come again. */
  #resume(threadId: string): Promise<CallEnd> {
    const isUnderWay = this.#calls.waits("thread/resume", threadId);
    const isLive = isUnderWay || this.view.subscribed.has(threadId);
    const since = isLive ? undefined : this.#since(threadId);
    return this.call(
      "thread/resume",
      { threadId, ...(since && { since }) },
      { changes: false, taken: (end) => this.#resumed(threadId, end) },
    );
  }

  #resumed(threadId: string, end: CallEnd): void {
    if (end.kind === "refused") {
      this.#parts.log(`${this.name} cannot resume ${threadId}: ${end.message}`);
      this.view.forget(threadId);
    }
    if (end.kind !== "answered" || !this.view.watched.has(threadId)) return;
    const { thread, stream } = end.result;
    const outcome = isRecord(stream) ? stream["outcome"] : "snapshot";
    if (outcome === "replayed") this.view.caughtUp(threadId);
    else if (isRecord(thread))
      this.view.resumed(thread, outcome === "gap" ? "gap" : "snapshot", positionIn(stream));
  }

  #take(frame: Json): void {
    const { id, method, params, result, seq } = frame;
    this.#parts.trace(this.name, frame);
    if (typeof method === "string" && isRecord(params)) {
      if (typeof id === "string" || typeof id === "number")
        this.view.ask(id, { method, params }, seq);
      else this.view.notified(method, params, seq);
      return;
    }
    if (id === "initialize") {
      if (isRecord(result)) this.#entering(result);
      return;
    }
    this.#calls.take(id, frame);
  }

  async #answer(id: string | number, copy: ThreadCopy, { decision, afterMs }: Decision) {
    if (afterMs > 0) await delay(afterMs);
    if (!copy.questions.has(id) || !this.#entered || !this.view.subscribed.has(copy.id)) return;
    this.#parts.log(`${this.name} answers ${id} with ${decision}`);
    this.#socket?.send(JSON.stringify({ id, result: { decision } }), never);
  }
}
