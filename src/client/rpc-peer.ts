/** Calls and answers over one socket. It lives as long as the socket, and sends nothing twice by itself. */
import type { WireError } from "../protocol/errors.ts";
import type { HostNotification, HostRequest, Requests, ServerRequests } from "./host-api.ts";
import { readServerFrame } from "./server-frame.ts";

/** The connection dropped before the answer came: whether the call took effect is not known. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";

  constructor() {
    super("The connection was lost before the host answered. It may or may not have been done.");
  }
}

/** The host answered with an error. */
export class CallRefused extends Error {
  override readonly name = "CallRefused";
  readonly code: number;
  readonly data: unknown;

  constructor({ code, message, data }: WireError) {
    super(message);
    this.code = code;
    this.data = data;
  }

  /** The stable code of the refusal, where it has one. */
  get reason(): string | undefined {
    const { data } = this;
    const hasCode = typeof data === "object" && data !== null && "code" in data;
    return hasCode && typeof data.code === "string" ? data.code : undefined;
  }
}

/** The host died while the call was under way. Nobody knows whether it was carried out, and it is not made again. */
export class OutcomeUnknown extends Error {
  override readonly name = "OutcomeUnknown";

  constructor(cause: CallRefused) {
    super(cause.message, { cause });
  }
}

export interface PeerListener {
  /** `seq`: its number among the events of its thread. */
  notified(notification: HostNotification, seq: number | undefined): void;
  asked(request: HostRequest, seq: number | undefined): void;
}

export interface SendOptions<Name extends keyof Requests> {
  /** Under which the host makes the call once. */
  readonly key?: string;
  /** Sees the result before anything that the host sent behind it is looked at. `replayed`: the call was made for another request. */
  readonly taken?: (result: Requests[Name]["result"], replayed: boolean) => void;
}

/** The contract fixes a result's shape by the method's name; the host is trusted to keep it. */
interface Waiting {
  resolve(result: unknown, replayed: boolean): void;
  reject(error: Error): void;
}

export class RpcPeer {
  readonly #send: (text: string) => void;
  readonly #listener: PeerListener;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #lost = false;

  constructor(send: (text: string) => void, listener: PeerListener) {
    this.#send = send;
    this.#listener = listener;
  }

  /** Rejects with `CallRefused` or `ConnectionLost`. */
  call<Name extends keyof Requests>(
    method: Name,
    params: Requests[Name]["params"],
    { key: idempotencyKey, taken }: SendOptions<Name> = {},
  ): Promise<Requests[Name]["result"]> {
    if (this.#lost) return Promise.reject(new ConnectionLost());
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<Requests[Name]["result"]>((resolve, reject) => {
      const take = (result: Requests[Name]["result"], replayed: boolean): void => {
        taken?.(result, replayed);
        resolve(result);
      };
      this.#waiting.set(id, { resolve: take, reject });
      this.#send(JSON.stringify({ id, method, params, idempotencyKey }));
    });
  }

  notify(method: string): void {
    if (!this.#lost) this.#send(JSON.stringify({ method }));
  }

  answer<Name extends keyof ServerRequests>(
    id: string | number,
    _method: Name,
    result: ServerRequests[Name]["result"],
  ): void {
    if (this.#lost) throw new ConnectionLost();
    this.#send(JSON.stringify({ id, result }));
  }

  receive(text: string): void {
    const incoming = readServerFrame(text);
    if (incoming.kind === "notification") {
      this.#listener.notified(incoming.frame, incoming.seq);
    } else if (incoming.kind === "request") this.#listener.asked(incoming.frame, incoming.seq);
    else if (incoming.kind === "result") {
      this.#take(incoming.id)?.resolve(incoming.result, incoming.replayed);
    } else if (incoming.kind === "error") {
      this.#take(incoming.id)?.reject(new CallRefused(incoming.error));
    }
  }

  /** The socket is gone: every call in flight rejects, and every later one at once. */
  lose(): void {
    this.#lost = true;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const call of waiting) call.reject(new ConnectionLost());
  }

  #take(id: number): Waiting | undefined {
    const call = this.#waiting.get(id);
    this.#waiting.delete(id);
    return call;
  }
}
