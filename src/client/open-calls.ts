/**
 * Calls that wait for their answers, over connections. Each carries a key, by which the host makes it once however often
 * it comes; one that is to be retried is sent again on the next connection.
 */
import { randomBase64url } from "./bytes.ts";
import type { Requests } from "./host-api.ts";
import type { RpcPeer, SendOptions } from "./rpc-peer.ts";
import { CallRefused, ConnectionLost, OutcomeUnknown } from "./rpc-peer.ts";

export interface CallOptions {
  /** Sends the call again, under its key, when the connection was lost before the answer; waits for a connection where there is none. */
  readonly retry?: boolean;
  /** Also watches the thread that the answer holds. */
  readonly watch?: boolean;
}

/** A call as it is sent; the types are the caller's. */
interface OpenCall {
  readonly key: string;
  send(peer: RpcPeer): Promise<void>;
  giveUp(): void;
  /** When it was sent first. */
  sentAtMs: number | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** Who waits for longer wants to know rather than to go on waiting. */
const patienceMs = 10 * 60 * 1000;
/** More at a time are not kept for a next connection. */
const maxOpen = 200;
const keyBytes = 18;

export class OpenCalls {
  readonly #open = new Set<OpenCall>();
  #peer: RpcPeer | undefined;

  /** Rejects with `CallRefused`, `OutcomeUnknown` or `ConnectionLost`. */
  call<Name extends keyof Requests>(
    method: Name,
    params: Requests[Name]["params"],
    { retry = false }: CallOptions = {},
    taken: SendOptions<Name>["taken"] = () => undefined,
  ): Promise<Requests[Name]["result"]> {
    return new Promise((resolve, reject) => {
      const key = randomBase64url(keyBytes);
      const open: OpenCall = {
        key,
        sentAtMs: undefined,
        timer: undefined,
        giveUp: () => {
          this.#close(open);
          reject(new ConnectionLost());
        },
        send: async (peer) => {
          try {
            const result = await peer.call(method, params, { key, taken });
            this.#close(open);
            resolve(result);
          } catch (error) {
            this.#failed(open, retry, error, reject);
          }
        },
      };
      const keeps = retry && this.#open.size < maxOpen;
      if (keeps) this.#open.add(open);
      if (this.#peer !== undefined) this.#send(open, this.#peer);
      else if (keeps) this.#wait(open);
      else open.giveUp();
    });
  }

  /** A new connection: what waits is sent. `keyMs`: for how long its host makes the calls of one key once; 0: it does not. */
  attach(peer: RpcPeer, keyMs: number): void {
    this.#peer = peer;
    for (const open of this.#open) {
      const ageMs = open.sentAtMs === undefined ? 0 : Date.now() - open.sentAtMs;
      if (open.sentAtMs !== undefined && ageMs >= keyMs / 2) open.giveUp();
      else this.#send(open, peer);
    }
  }

  detach(): void {
    this.#peer = undefined;
    for (const open of this.#open) this.#wait(open);
  }

  /** There will be no connection any more. */
  giveUp(): void {
    this.#peer = undefined;
    for (const open of this.#open) open.giveUp();
  }

  #send(open: OpenCall, peer: RpcPeer): void {
    clearTimeout(open.timer);
    open.timer = undefined;
    open.sentAtMs ??= Date.now();
    void open.send(peer);
  }

  #failed(open: OpenCall, retry: boolean, error: unknown, reject: (error: unknown) => void): void {
    // It waits for the next connection.
    if (error instanceof ConnectionLost && retry && this.#open.has(open)) return;
    this.#close(open);
    const isUnknown = error instanceof CallRefused && error.reason === "outcome_unknown";
    reject(isUnknown ? new OutcomeUnknown(error) : error);
  }

  /** Until there is a connection; attempts that fail do not count as one. */
  #wait(open: OpenCall): void {
    open.timer ??= setTimeout(() => open.giveUp(), patienceMs);
  }

  #close(open: OpenCall): void {
    clearTimeout(open.timer);
    this.#open.delete(open);
  }
}
