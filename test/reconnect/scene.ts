/** A host, some clients behind lines that fail, and an umpire behind none. */
import { FaultProxy } from "../helpers/fault-proxy.ts";
import { listOf } from "../helpers/kill-ledger.ts";
import type { Json } from "../helpers/kill-peer.ts";
import type { HostClient } from "../helpers/running-host.ts";
import { Deeds } from "./deeds.ts";
import type { Lane } from "./lane.ts";
import { LibraryClient } from "./library-client.ts";
import type { ClientKind, ClientParts, Decision, SceneClient } from "./scene-client.ts";
import { WireClient } from "./wire-client.ts";

export interface SceneOptions {
  readonly lane: Lane;
  readonly seed: number;
  readonly clients: readonly ClientKind[];
  /** What a client answers to a question that it was just asked; undefined: nothing. */
  readonly decide: () => Decision | undefined;
  readonly backOffMs: () => number;
}

/** A host that ends in good order waits so long for the calls that it has begun. */
const patienceMs = 5_000;
/** Every frame in the log of a run that fails. */
const traces = process.env["FARHELM_RECONNECT_TRACE"] === "1";
const tracedChars = 300;

export class Scene {
  readonly deeds: Deeds;
  readonly lines: string[] = [];
  readonly clients: SceneClient[] = [];
  readonly proxies: FaultProxy[] = [];
  /** What must have ended before the scene can rest. */
  readonly under: Promise<unknown>[] = [];
  readonly #options: SceneOptions;
  readonly #startedMs = performance.now();
  /** Of earlier hosts of this scene. */
  readonly #heard: Json[] = [];
  #umpire: HostClient | undefined;

  constructor(options: SceneOptions) {
    this.#options = options;
    const { lane, seed } = options;
    this.deeds = new Deeds(lane.folder(seed), (line) => this.log(line));
  }

  get umpire(): HostClient {
    if (this.#umpire === undefined) throw new Error("there is no umpire");
    return this.#umpire;
  }

  log(line: string): void {
    const ms = (performance.now() - this.#startedMs).toFixed(1);
    this.lines.push(`${ms.padStart(8)} ${line}`);
  }

  async begin(): Promise<void> {
    const { lane, clients } = this.#options;
    for (const [at, kind] of clients.entries()) {
      const from = lane.nextAddress();
      const proxy = await FaultProxy.start(lane.port, from === undefined ? {} : { from });
      this.proxies.push(proxy);
      this.clients.push(this.#clientOf(kind, proxy, at));
    }
    for (const client of this.clients) client.start();
    this.#umpire = await lane.umpire();
    await Promise.all(this.clients.map((client) => client.whenConnected()));
  }

  async endHost(how: "restart" | "kill"): Promise<void> {
    const { lane } = this.#options;
    this.deeds.ends += 1;
    this.#dropUmpire();
    const startedMs = performance.now();
    await lane.down(how);
    const waitedMs = performance.now() - startedMs;
    if (how === "kill" || waitedMs > patienceMs) this.deeds.hardEnds += 1;
    await lane.up();
    for (const proxy of this.proxies) proxy.targetPort = lane.port;
    this.#umpire = await lane.umpire();
  }

  /** Threads that were not taken away, and those that somebody watches. */
  live(): readonly string[] {
    const kept = this.deeds.threads.filter((id) => !this.deeds.deleted.has(id));
    return [...new Set([...kept, ...this.clients.flatMap(({ view }) => [...view.watched])])];
  }

  /** Everything of its threads that the umpire heard, over all hosts. */
  heard(): readonly Json[] {
    return [...this.#heard, ...this.#heardNow()];
  }

  async end(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.stop()));
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    this.#dropUmpire();
  }

  #clientOf(kind: ClientKind, proxy: FaultProxy, at: number): SceneClient {
    const { lane, backOffMs, decide } = this.#options;
    const parts: ClientParts = {
      name: `${kind}${at}`,
      proxy,
      hostPort: () => lane.port,
      backOffMs,
      decide,
      log: (line) => this.log(line),
      trace: (name, frame) => {
        if (traces) this.log(`${name} < ${JSON.stringify(frame).slice(0, tracedChars)}`);
      },
    };
    return kind === "library"
      ? new LibraryClient({ ...parts, device: lane.device })
      : new WireClient({ ...parts, counts: kind === "counts", token: lane.tokenOf(at) });
  }

  #heardNow(): readonly Json[] {
    return (this.#umpire?.sent ?? []).flatMap(({ method, params }) =>
      params && (method === "thread/name/updated" || method === "thread/started") ? [params] : [],
    );
  }

  #dropUmpire(): void {
    this.#heard.push(...this.#heardNow());
    this.#umpire?.drop();
    this.#umpire = undefined;
  }
}

/** The rows of a list that the umpire is given; none where there is no such thing. */
export async function rowsOf(
  umpire: HostClient,
  method: string,
  params: Json,
): Promise<readonly Json[]> {
  const { data } = await umpire.call(method, params).catch((): Json => ({}));
  return listOf(data);
}
