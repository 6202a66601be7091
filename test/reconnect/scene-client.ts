/** What a scene needs of a client, whichever it is. */
import type { FaultProxy } from "../helpers/fault-proxy.ts";
import type { Json } from "../helpers/kill-peer.ts";
import type { ClientView } from "./client-view.ts";
import type { Question } from "./thread-copy.ts";
import type { CallEnd, CallOptions } from "./wire-calls.ts";

/**
 * `counts`: says where it was, sends keys, and names its threads in `initialize`. `stock`: only resumes, as the stock
 * clients do. `library`: the program's own client, as the dashboard uses it.
 */
export type ClientKind = "counts" | "stock" | "library";

export interface Decision {
  readonly decision: "accept" | "decline";
  readonly afterMs: number;
}

export interface ClientParts {
  readonly name: string;
  readonly proxy: FaultProxy;
  readonly hostPort: () => number;
  readonly backOffMs: () => number;
  /** What it answers to a question; undefined: nothing. */
  readonly decide: (question: Question) => Decision | undefined;
  readonly log: (line: string) => void;
  /** Hears of everything that comes. */
  readonly trace: (name: string, frame: Json) => void;
}

export interface SceneClient {
  readonly name: string;
  readonly view: ClientView;
  readonly connected: boolean;
  start(): void;
  stop(): Promise<void>;
  /** It takes the connection for dead, as after a heartbeat that did not come. */
  giveUp(): void;
  whenConnected(): Promise<void>;
  call(method: string, params: Json, options: CallOptions): Promise<CallEnd>;
  /** Begins to watch the thread, on this connection and on all that follow. */
  watch(threadId: string): Promise<unknown>;
  leave(threadId: string): Promise<unknown>;
  /** Watches the thread that the answer of a call holds. */
  adopt(end: Extract<CallEnd, { kind: "answered" }>): void;
  /** Answers everything that it still shows as open. */
  answerAll(decision: Decision["decision"]): void;
}
