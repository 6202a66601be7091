/** The calls of one client over all its connections: each is answered once, refused once, or lost. */
import { randomUUID } from "node:crypto";
import type { Deferred } from "../../src/util/deferred.ts";
import { deferred } from "../../src/util/deferred.ts";
import { isRecord } from "../../src/util/is-record.ts";
import type { Json } from "../helpers/kill-peer.ts";

/** How a call ended. `lost`: the connection went first, and the client may not ask again. */
export type CallEnd =
  | { readonly kind: "answered"; readonly result: Json; readonly replayed: boolean }
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  | { readonly kind: "lost" };

export interface CallOptions {
  /** Reads may always come again, changes only of a client that sends keys. */
  readonly changes: boolean;
  /** Called before anything that comes after the answer is looked at. */
  readonly taken?: (end: CallEnd) => void;
}

interface Calling {
  readonly method: string;
  readonly params: Json;
  /** What makes asking again harmless: a key, or that nothing is changed. */
  readonly again: { readonly key?: string } | undefined;
  readonly end: Deferred<CallEnd>;
  readonly taken: ((end: CallEnd) => void) | undefined;
  sent: boolean;
}

/** Subscriptions are of one connection; on the next one a resumption says where the client is then. */
const ofOneConnection: ReadonlySet<string> = new Set(["thread/resume", "thread/unsubscribe"]);

export class WireCalls {
  readonly #name: string;
  readonly #keyed: boolean;
  readonly #calls = new Map<string, Calling>();
  #send: ((text: string) => void) | undefined;
  #ids = 0;

  constructor(name: string, keyed: boolean) {
    this.#name = name;
    this.#keyed = keyed;
  }

  call(method: string, params: Json, { changes, taken }: CallOptions): Promise<CallEnd> {
    const id = `${this.#name}-${(this.#ids += 1)}`;
    const end = deferred<CallEnd>();
    const key = this.#keyed ? { key: randomUUID() } : undefined;
    const again = changes ? key : {};
    const call: Calling = { method, params, again, end, taken, sent: false };
    this.#calls.set(id, call);
    if (this.#send) this.#put(id, call, this.#send);
    else if (again === undefined || ofOneConnection.has(method)) this.#end(id, { kind: "lost" });
    return end.promise;
  }

  /** Whether such a call waits for its answer. */
  waits(method: string, threadId: string): boolean {
    return [...this.#calls.values()].some(
      (call) => call.method === method && call.params["threadId"] === threadId,
    );
  }

  /** A connection is there: what was not answered on the last one is asked again. */
  connected(send: (text: string) => void): void {
    this.#send = send;
    for (const [id, call] of this.#calls) this.#put(id, call, send);
  }

  /** It is gone, and with it what must not come again. */
  lost(): void {
    this.#send = undefined;
    for (const [id, { sent, again, method }] of this.#calls) {
      if ((sent && again === undefined) || ofOneConnection.has(method)) {
        this.#end(id, { kind: "lost" });
      }
    }
  }

  /** None comes any more. */
  stop(): void {
    for (const id of this.#calls.keys()) this.#end(id, { kind: "lost" });
  }

  /** An answer; those to nothing are passed over. */
  take(id: unknown, { result, error, replayed }: Json): void {
    if (typeof id !== "string") return;
    if (isRecord(error)) {
      const { data, code, message } = error;
      const name = isRecord(data) ? data["code"] : undefined;
      this.#end(id, { kind: "refused", code: String(name ?? code), message: String(message) });
    } else {
      const answer = isRecord(result) ? result : {};
      this.#end(id, { kind: "answered", result: answer, replayed: replayed === true });
    }
  }

  #put(id: string, call: Calling, send: (text: string) => void): void {
    const { method, params, again } = call;
    call.sent = true;
    const key = again?.key === undefined ? {} : { idempotencyKey: again.key };
    send(JSON.stringify({ id, method, params, ...key }));
  }

  #end(id: string, end: CallEnd): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    call?.taken?.(end);
    call?.end.resolve(end);
  }
}
