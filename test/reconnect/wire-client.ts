/**
 * A client behind a line that fails. It keeps copies of the threads that it watches, comes back after every loss, and
 * either knows how to (positions, keys, open questions) or only resumes, as stock clients do.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { RawData } from "ws";
import { WebSocket } from "ws";
import { deferred } from "../../src/util/deferred.ts";
import { isRecord } from "../../src/util/is-record.ts";
import type { FaultProxy } from "../helpers/fault-proxy.ts";
import { listOf, textIn } from "../helpers/kill-ledger.ts";
import type { Json } from "../helpers/kill-peer.ts";
import type { Position, Question } from "./thread-copy.ts";
import { ThreadCopy } from "./thread-copy.ts";
import type { CallEnd, CallOptions } from "./wire-calls.ts";
import { WireCalls } from "./wire-calls.ts";

export interface Resolved {
  readonly threadId: string;
  /** Of the host's run in which the id means this question. */
  readonly epoch: string;
  readonly requestId: string | number;
  readonly answer: unknown;
}

export interface Decision {
  readonly decision: string;
  readonly afterMs: number;
}

export interface WireClientParts {
  readonly name: string;
  /** Whether it says where it was, sends keys, and names its threads in `initialize`; else it only resumes. */
  readonly knows: boolean;
  readonly proxy: FaultProxy;
  readonly token: string;
  readonly hostPort: () => number;
  readonly backOffMs: () => number;
  /** What it answers to a question; undefined: nothing. */
  readonly decide: (question: Question) => Decision | undefined;
  readonly log: (line: string) => void;
  /** Hears of every frame that comes. */
  readonly trace: (name: string, frame: Json) => void;
}

/** Whatever hangs in a handshake is given up after that. */
const handshakeMs = 3_000;

const positionIn = (stream: unknown): Position | undefined => {
  if (!isRecord(stream)) return undefined;
  const { epoch, seq } = stream;
  return typeof epoch === "string" && typeof seq === "number" ? { epoch, seq } : undefined;
};

const never = (): void => {};

export class WireClient {
  readonly name: string;
  readonly knows: boolean;
  readonly copies = new Map<string, ThreadCopy>();
  /** The threads that it resumes when it comes back. */
  readonly watched = new Set<string>();
  /** Of every question that it was asked: its words, by thread, epoch and id. */
  readonly asked = new Map<string, string>();
  readonly resolved: Resolved[] = [];
  readonly faults: string[] = [];
  /** How its resumptions came out. */
  readonly outcomes = { snapshot: 0, replayed: 0, gap: 0, lost: 0 };
  readonly #parts: WireClientParts;
  readonly #calls: WireCalls;
  readonly #subscribed = new Set<string>();
  /** Threads of which the host may still tell what it had sent before it knew. */
  readonly #left = new Set<string>();
  #socket: WebSocket | undefined;
  #entered = false;
  #stopped = false;
  #entries = 0;
  #connections = 0;
  #ended: Promise<void> = Promise.resolve();
  #waiting: (() => void)[] = [];

  constructor(parts: WireClientParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.knows = parts.knows;
    this.#calls = new WireCalls(parts.name, parts.knows);
  }

  get connected(): boolean {
    return this.#entered;
  }

  isSubscribed(threadId: string): boolean {
    return this.#subscribed.has(threadId);
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

  /** It takes the connection for dead, as after a heartbeat that did not come. */
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

  /** Begins to watch; on the answer the copy is made, before any event that follows it. */
  watch(threadId: string): Promise<CallEnd> {
    this.watched.add(threadId);
    return this.#resume(threadId);
  }

  async leave(threadId: string): Promise<void> {
    this.watched.delete(threadId);
    this.#left.add(threadId);
    const taken = (): void => void this.#subscribed.delete(threadId);
    await this.call("thread/unsubscribe", { threadId }, { changes: false, taken });
  }

  /** The answer of thread/start or thread/fork subscribes, unless it is that of an earlier request. */
  adopt({ result, replayed }: Extract<CallEnd, { kind: "answered" }>): void {
    const { thread, stream } = result;
    if (!isRecord(thread)) return;
    const id = textIn(thread, "id");
    this.watched.add(id);
    this.#show(thread, positionIn(stream));
    if (!replayed) return;
    // The connection that made it is gone, and what was told on it.
    this.#subscribed.delete(id);
    void this.#resume(id);
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
      this.#connections += 1;
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
    const capabilities = { experimentalApi: true, ...(this.knows && { threads }) };
    const params = { clientInfo: { name: this.name, version: "1" }, capabilities };
    this.#socket?.send(JSON.stringify({ id: "initialize", method: "initialize", params }), never);
  }

  /** What `initialize` names: every second time, so that both ways are gone. */
  #subscribable(): readonly Json[] {
    if (!this.knows || (this.#entries += 1) % 2 === 0) return [];
    return [...this.watched].flatMap((threadId) => {
      const since = this.#since(threadId);
      return since === undefined ? [] : [{ threadId, since }];
    });
  }

  #since(threadId: string): Json | undefined {
    const copy = this.knows ? this.copies.get(threadId) : undefined;
    const position = copy?.position;
    return position && { ...position, requestIds: [...(copy?.questions.keys() ?? [])] };
  }

  #entering(result: Json): void {
    this.#entered = true;
    for (const { threadId, stream } of listOf(result["threads"])) {
      if (!isRecord(stream) || typeof threadId !== "string") continue;
      if (stream["outcome"] === "replayed") {
        this.outcomes.replayed += 1;
        this.#subscribed.add(threadId);
      }
    }
    const socket = this.#socket;
    this.#calls.connected((text) => socket?.send(text, never));
    for (const threadId of this.watched) {
      if (!this.#subscribed.has(threadId)) void this.#resume(threadId);
    }
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #disconnected(): void {
    this.#entered = false;
    this.#subscribed.clear();
    this.#calls.lost();
  }

  /** Where it was it says once on a connection: what comes live after that is not to come again. */
  #resume(threadId: string): Promise<CallEnd> {
    const isUnderWay = this.#calls.waits("thread/resume", threadId);
    const since = isUnderWay || this.isSubscribed(threadId) ? undefined : this.#since(threadId);
    return this.call(
      "thread/resume",
      { threadId, ...(since && { since }) },
      { changes: false, taken: (end) => this.#resumed(threadId, end) },
    );
  }

  #resumed(threadId: string, end: CallEnd): void {
    if (end.kind === "refused") {
      this.#parts.log(`${this.name} cannot resume ${threadId}: ${end.message}`);
      this.#forget(threadId);
    }
    if (end.kind !== "answered" || !this.watched.has(threadId)) return;
    const { thread, stream } = end.result;
    const outcome = isRecord(stream) ? stream["outcome"] : "snapshot";
    if (outcome === "replayed") {
      this.outcomes.replayed += 1;
      this.#subscribed.add(threadId);
      return;
    }
    this.outcomes[outcome === "gap" ? "gap" : "snapshot"] += 1;
    if (!isRecord(thread)) return;
    // Who named its open questions is told of those that are over; others are asked anew what waits.
    if (outcome !== "gap") this.copies.get(threadId)?.questions.clear();
    this.#show(thread, positionIn(stream));
  }

  #show(thread: Json, position: Position | undefined): void {
    const id = textIn(thread, "id");
    const copy = this.copies.get(id) ?? new ThreadCopy(thread);
    copy.show(thread);
    copy.position = position;
    this.copies.set(id, copy);
    this.#subscribed.add(id);
  }

  #forget(threadId: string): void {
    this.#left.add(threadId);
    this.watched.delete(threadId);
    this.#subscribed.delete(threadId);
    this.copies.delete(threadId);
  }

  #take(frame: Json): void {
    const { id, method, params, result, seq } = frame;
    this.#parts.trace(this.name, frame);
    if (typeof method === "string" && isRecord(params)) {
      if (typeof id === "string" || typeof id === "number") this.#ask(id, { method, params }, seq);
      else this.#notified(method, params, seq);
      return;
    }
    if (id === "initialize") {
      if (isRecord(result)) this.#entering(result);
      return;
    }
    this.#calls.take(id, frame);
  }

  #notified(method: string, params: Json, seq: unknown): void {
    const { thread } = params;
    const threadId = textIn(params, "threadId") || (isRecord(thread) ? textIn(thread, "id") : "");
    const copy = this.copies.get(threadId);
    if (copy === undefined || !this.#subscribed.has(threadId)) return;
    this.#follow(copy, seq, method);
    copy.apply(method, params);
    if (method === "serverRequest/resolved") this.#noteResolved(copy, params);
    if (!endings.has(method)) return;
    this.#forget(threadId);
    void this.call("thread/unsubscribe", { threadId }, { changes: false });
  }

  #noteResolved(copy: ThreadCopy, { requestId, answer }: Json): void {
    if (typeof requestId !== "string" && typeof requestId !== "number") return;
    const epoch = copy.questions.get(requestId)?.epoch ?? this.#epochOf(copy);
    copy.questions.delete(requestId);
    this.resolved.push({ threadId: copy.id, epoch, requestId, answer });
  }

  #ask(id: string | number, asked: Omit<Question, "epoch">, seq: unknown): void {
    const copy = this.copies.get(textIn(asked.params, "threadId"));
    if (copy === undefined || !this.#subscribed.has(copy.id)) {
      const left = this.#left.has(textIn(asked.params, "threadId"));
      if (!left) this.faults.push(`${this.name} was asked of a thread that it does not watch`);
      return;
    }
    this.#follow(copy, seq, asked.method);
    const question = { ...asked, epoch: this.#epochOf(copy) };
    copy.questions.set(id, question);
    const name = `${copy.id} ${question.epoch} ${id}`;
    const words = JSON.stringify(question.params);
    if ((this.asked.get(name) ?? words) !== words)
      this.faults.push(`${name} is another question now`);
    this.asked.set(name, words);
    const decision = this.#parts.decide(question);
    if (decision !== undefined) void this.#answer(id, copy, decision);
  }

  /** One that does not count events knows no more than its connections. */
  #epochOf(copy: ThreadCopy): string {
    return copy.position?.epoch ?? `${this.name} ${this.#connections}`;
  }

  async #answer(id: string | number, copy: ThreadCopy, { decision, afterMs }: Decision) {
    if (afterMs > 0) await delay(afterMs);
    if (!copy.questions.has(id) || !this.#entered || !this.#subscribed.has(copy.id)) return;
    this.#parts.log(`${this.name} answers ${id} with ${decision}`);
    this.#socket?.send(JSON.stringify({ id, result: { decision } }), never);
  }

  /** Answers everything that it still shows as open. */
  answerAll(decision: string): void {
    for (const copy of this.copies.values()) {
      for (const id of copy.questions.keys()) void this.#answer(id, copy, { decision, afterMs: 0 });
    }
  }

  /** Each event comes once, and none is left out; a question that still waits may be put again. */
  #follow(copy: ThreadCopy, seq: unknown, method: string): void {
    const { position } = copy;
    if (position === undefined || typeof seq !== "number") return;
    if (seq > position.seq) copy.position = { ...position, seq };
    if (seq === position.seq + 1) return;
    if (seq <= position.seq && method.endsWith("/requestApproval")) return;
    this.faults.push(`${this.name}: ${method} of ${copy.id} has ${seq} after ${position.seq}`);
  }
}

/** After these it follows the thread no longer: one that was put away is another one in memory when it comes back. */
const endings: ReadonlySet<string> = new Set([
  "thread/archived",
  "thread/deleted",
  "thread/closed",
]);
