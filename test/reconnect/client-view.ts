/** What one client shows: made from what it was sent and from nothing else, whichever client it is that listens. */
import { isRecord } from "../../src/util/is-record.ts";
import { textIn } from "../helpers/kill-ledger.ts";
import type { Json } from "../helpers/kill-peer.ts";
import type { Position, Question } from "./thread-copy.ts";
import { ThreadCopy } from "./thread-copy.ts";

export interface Resolved {
  readonly threadId: string;
  /** Of the host's run in which the id means this question. */
  readonly epoch: string;
  readonly requestId: string | number;
  readonly answer: unknown;
}

export interface ViewParts {
  readonly name: string;
  /** A question was put, for the first time or once more. */
  readonly asked: (id: string | number, copy: ThreadCopy, question: Question) => void;
  /** The thread is followed no longer: it was put away, and is another one in memory when it comes back. */
  readonly ended: (threadId: string) => void;
  /** Turns were taken back: what is shown of the thread must be fetched anew. */
  readonly reverted: (threadId: string) => void;
}

/** After these it follows the thread no longer. */
const endings: ReadonlySet<string> = new Set([
  "thread/archived",
  "thread/deleted",
  "thread/closed",
]);

export class ClientView {
  readonly copies = new Map<string, ThreadCopy>();
  /** The threads that it means to follow, over all connections. */
  readonly watched = new Set<string>();
  /** Those that it follows on this connection. */
  readonly subscribed = new Set<string>();
  /** Of every question that it was asked: its words, by thread, epoch and id. */
  readonly asked = new Map<string, string>();
  readonly resolved: Resolved[] = [];
  readonly faults: string[] = [];
  /** How its resumptions came out. */
  readonly outcomes = { snapshot: 0, replayed: 0, gap: 0 };
  readonly #parts: ViewParts;
  /** Threads of which the host may still tell what it had sent before it knew. */
  readonly #left = new Set<string>();
  #connections = 1;

  constructor(parts: ViewParts) {
    this.#parts = parts;
  }

  /** Where the host's answer leaves it; `epoch` alone is known of a client that counts by itself. */
  show(thread: Json, place: { readonly epoch?: string; readonly position?: Position }): void {
    const id = textIn(thread, "id");
    const copy = this.copies.get(id) ?? new ThreadCopy(thread);
    copy.show(thread);
    copy.position = place.position;
    copy.epoch = place.position?.epoch ?? place.epoch;
    this.copies.set(id, copy);
    this.subscribed.add(id);
  }

  /** The answer of a resumption holds the thread as it is. */
  resumed(thread: Json, outcome: "snapshot" | "gap", place: Parameters<ClientView["show"]>[1]) {
    this.outcomes[outcome] += 1;
    // Who named its open questions is told of those that are over; others are asked anew what waits.
    if (outcome === "snapshot") this.copies.get(textIn(thread, "id"))?.questions.clear();
    this.show(thread, place);
  }

  /** What it missed comes next. */
  caughtUp(threadId: string): void {
    this.outcomes.replayed += 1;
    this.subscribed.add(threadId);
  }

  leave(threadId: string): void {
    this.watched.delete(threadId);
    this.#left.add(threadId);
  }

  forget(threadId: string): void {
    this.leave(threadId);
    this.subscribed.delete(threadId);
    this.copies.delete(threadId);
  }

  disconnected(): void {
    this.#connections += 1;
    this.subscribed.clear();
  }

  notified(method: string, params: Json, seq: unknown): void {
    const { thread } = params;
    const threadId = textIn(params, "threadId") || (isRecord(thread) ? textIn(thread, "id") : "");
    const copy = this.copies.get(threadId);
    if (copy === undefined || !this.subscribed.has(threadId)) return;
    this.#follow(copy, seq, method);
    copy.apply(method, params);
    if (method === "serverRequest/resolved") this.#noteResolved(copy, params);
    if (method === "thread/reverted") {
      copy.isStale = true;
      if (this.watched.has(threadId)) this.#parts.reverted(threadId);
    }
    if (!endings.has(method)) return;
    this.forget(threadId);
    this.#parts.ended(threadId);
  }

  ask(id: string | number, asked: Omit<Question, "epoch">, seq: unknown): void {
    const { name } = this.#parts;
    const threadId = textIn(asked.params, "threadId");
    const copy = this.copies.get(threadId);
    if (copy === undefined || !this.subscribed.has(threadId)) {
      const left = this.#left.has(threadId);
      if (!left) this.faults.push(`${name} was asked of a thread that it does not watch`);
      return;
    }
    this.#follow(copy, seq, asked.method);
    copy.ended.delete(id);
    const question = { ...asked, epoch: this.#epochOf(copy) };
    copy.questions.set(id, question);
    const key = `${copy.id} ${question.epoch} ${id}`;
    const words = JSON.stringify(question.params);
    if ((this.asked.get(key) ?? words) !== words)
      this.faults.push(`${key} is another question now`);
    this.asked.set(key, words);
    this.#parts.asked(id, copy, question);
  }

  #noteResolved(copy: ThreadCopy, { requestId, answer }: Json): void {
    if (typeof requestId !== "string" && typeof requestId !== "number") return;
    const epoch = copy.questions.get(requestId)?.epoch ?? this.#epochOf(copy);
    copy.questions.delete(requestId);
    // What a snapshot shows is told from there on.
    if (copy.ended.has(requestId))
      this.faults.push(`${this.#parts.name} was told twice of the end of ${copy.id} ${requestId}`);
    copy.ended.add(requestId);
    this.resolved.push({ threadId: copy.id, epoch, requestId, answer });
  }

  /** One that does not count events knows no more than its connections. */
  #epochOf(copy: ThreadCopy): string {
    return copy.epoch ?? `${this.#parts.name} ${this.#connections}`;
  }

  /** Each event comes once, and none is left out; a question that still waits may be put again. */
  #follow(copy: ThreadCopy, seq: unknown, method: string): void {
    const { position } = copy;
    if (position === undefined || typeof seq !== "number") return;
    if (seq > position.seq) copy.position = { ...position, seq };
    if (seq === position.seq + 1) return;
    if (seq <= position.seq && method.endsWith("/requestApproval")) return;
    this.faults.push(
      `${this.#parts.name}: ${method} of ${copy.id} has ${seq} after ${position.seq}`,
    );
  }
}
