/** A client of a host that may be gone at any time: what it received until then stays received. */
import type { RawData } from "ws";
import { WebSocket } from "ws";
import { deferred } from "../../src/util/deferred.ts";
import { isRecord } from "../../src/util/is-record.ts";

export type Json = Readonly<Record<string, unknown>>;

export interface Told {
  readonly method: string;
  readonly params: Json;
  /** Set where an answer is expected. */
  readonly id?: string | number;
}

/** The host went away before it answered. */
export class HostGone extends Error {
  override readonly name = "HostGone";
}

export class Refused extends Error {
  override readonly name = "Refused";
}

export class KillPeer {
  /** Resolves when nothing more can come. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #told: (told: Told) => void;
  readonly #calls = new Map<number, { resolve(value: Json): void; reject(error: Error): void }>();
  #ids = 0;
  #gone = false;

  private constructor(socket: WebSocket, told: (told: Told) => void) {
    this.#socket = socket;
    this.#told = told;
    socket.on("error", () => {});
    socket.on("message", (data: RawData) => {
      if (Buffer.isBuffer(data)) this.#take(JSON.parse(data.toString()));
    });
    const closed = deferred<void>();
    this.closed = closed.promise;
    socket.on("close", () => {
      this.#gone = true;
      for (const call of this.#calls.values()) call.reject(new HostGone());
      closed.resolve();
    });
  }

  /** An initialised connection; `told` hears every notification and question, in order. */
  static async connect(
    url: string,
    told: (told: Told) => void = () => {},
    token?: string,
  ): Promise<KillPeer> {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const socket = new WebSocket(url, { headers });
    const peer = new KillPeer(socket, told);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", () => resolve());
      socket.once("error", reject);
    });
    await peer.call("initialize", {
      clientInfo: { name: "kill-test", version: "1" },
      capabilities: { experimentalApi: true },
    });
    return peer;
  }

  /** Rejects with `Refused` or `HostGone`. */
  call(method: string, params: object, idempotencyKey?: string): Promise<Json> {
    if (this.#gone) return Promise.reject(new HostGone());
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params, idempotencyKey }), () => {});
    });
  }

  answer(id: string | number, result: object): void {
    if (!this.#gone) this.#socket.send(JSON.stringify({ id, result }), () => {});
  }

  drop(): void {
    this.#socket.terminate();
  }

  #take(frame: Json): void {
    const { id, method, params, result, error } = frame;
    if (typeof method === "string") {
      const asked = typeof id === "string" || typeof id === "number" ? { id } : {};
      this.#told({ method, params: isRecord(params) ? params : {}, ...asked });
      return;
    }
    const call = this.#calls.get(Number(id));
    this.#calls.delete(Number(id));
    if (isRecord(error)) call?.reject(new Refused(JSON.stringify(error)));
    else call?.resolve(isRecord(result) ? result : {});
  }
}
