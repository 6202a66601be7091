/** A host, some clients behind lines that fail, and an umpire behind none; what must hold once all has healed and come to rest. */
import { setTimeout as delay } from "node:timers/promises";
import { isRecord } from "../../src/util/is-record.ts";
import { FaultProxy } from "../helpers/fault-proxy.ts";
import { listOf } from "../helpers/kill-ledger.ts";
import type { Json } from "../helpers/kill-peer.ts";
import type { HostClient } from "../helpers/running-host.ts";
import { Deeds } from "./deeds.ts";
import type { Lane } from "./lane.ts";
import {
  readThread,
  strayCopies,
  wrongAnswers,
  wrongEffects,
  wrongFailures,
  wrongPlaces,
  wrongUnknowns,
} from "./verdict.ts";
import type { Decision } from "./wire-client.ts";
import { WireClient } from "./wire-client.ts";

export interface SceneOptions {
  readonly lane: Lane;
  readonly seed: number;
  /** Whether each client knows how to come back. */
  readonly clients: readonly boolean[];
  /** What a client answers to a question that it was just asked; undefined: nothing. */
  readonly decide: () => Decision | undefined;
  readonly backOffMs: () => number;
}

/** How long everything may take to come to rest once it has healed; a machine that does much else is slow at it. */
const restMs = 150_000;
const pollMs = 6;
/** What is still under way when all rests has so many looks to arrive. */
const looks = 40;
const lookMs = 25;
/** Every frame in the log of a run that fails. */
const traces = process.env["FARHELM_RECONNECT_TRACE"] === "1";
const tracedChars = 300;

export class Scene {
  readonly deeds: Deeds;
  readonly lines: string[] = [];
  readonly clients: WireClient[] = [];
  readonly proxies: FaultProxy[] = [];
  readonly #options: SceneOptions;
  readonly #startedMs = performance.now();
  readonly #under: Promise<unknown>[] = [];
  /** Of earlier hosts of this scene. */
  readonly #heard: Json[] = [];
  #umpire: HostClient | undefined;

  constructor(options: SceneOptions) {
    this.#options = options;
    const { lane, seed } = options;
    this.deeds = new Deeds(lane.folder(seed), (line) => this.log(line));
  }

  get ms(): number {
    return Math.round(performance.now() - this.#startedMs);
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
    for (const [at, knows] of clients.entries()) {
      const proxy = await FaultProxy.start(lane.port);
      this.proxies.push(proxy);
      this.clients.push(this.#clientOf(knows, proxy, at));
    }
    for (const client of this.clients) client.start();
    this.#umpire = await lane.umpire();
    await Promise.all(this.clients.map((client) => client.whenConnected()));
  }

  #clientOf(knows: boolean, proxy: FaultProxy, at: number): WireClient {
    const { lane, backOffMs, decide } = this.#options;
    return new WireClient({
      name: `${knows ? "k" : "s"}${at}`,
      knows,
      proxy,
      token: lane.tokenOf(at),
      hostPort: () => lane.port,
      backOffMs,
      decide,
      log: (line) => this.log(line),
      trace: (name, frame) => {
        if (traces) this.log(`${name} < ${JSON.stringify(frame).slice(0, tracedChars)}`);
      },
    });
  }

  /** Something that must have ended before the scene can rest. */
  under(work: Promise<unknown>): void {
    this.#under.push(work);
  }

  async endHost(how: "restart" | "kill"): Promise<void> {
    const { lane } = this.#options;
    this.deeds.ends += 1;
    if (how === "kill") this.deeds.kills += 1;
    this.#dropUmpire();
    await lane.again(how);
    for (const proxy of this.proxies) proxy.targetPort = lane.port;
    this.#umpire = await lane.umpire();
  }

  /** Everything heals; questions are answered until nothing is under way any more. */
  async rest(): Promise<void> {
    const lateMs = performance.now() + restMs;
    for (const proxy of this.proxies) proxy.heal();
    const under = Promise.all(this.#under).then(() => true);
    await this.#answerUntil(() => Promise.race([under, delay(0, false)]), lateMs);
    await this.#watchAll();
    await this.#answerUntil(() => this.#isAtRest(), lateMs);
  }

  async #answerUntil(holds: () => Promise<boolean>, lateMs: number): Promise<void> {
    while (!(await holds())) {
      if (performance.now() > lateMs) throw new Error(`no rest: ${await this.#whatMoves()}`);
      for (const client of this.clients) client.answerAll("accept");
      await delay(pollMs);
    }
  }

  /** Nothing is put away any more, and the first client watches everything: somebody must answer what is asked. */
  async #watchAll(): Promise<void> {
    const { umpire } = this;
    const [first] = this.clients;
    // A call that was lost on its way deleted nothing.
    for (const threadId of this.deeds.deleted) {
      if (await this.#read(threadId)) this.deeds.deleted.delete(threadId);
    }
    const archived = await umpire.call("thread/list", { archived: true, cwd: this.deeds.folder });
    for (const { id: threadId } of listOf(archived["data"])) {
      await umpire.call("thread/unarchive", { threadId }).catch(() => undefined);
    }
    for (const threadId of this.#live()) await first?.watch(threadId);
  }

  /** What is wrong when all rests; looks again until nothing is, as long as something may be under way. */
  async wrong(): Promise<readonly string[]> {
    for (let left = looks; ; left -= 1) {
      const wrong = await this.#look();
      if (wrong.length === 0 || left === 0) return wrong;
      await delay(lookMs);
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.stop()));
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    this.#dropUmpire();
  }

  async #isAtRest(): Promise<boolean> {
    const settled = this.clients.every(
      (client) => client.connected && [...client.watched].every((id) => client.isSubscribed(id)),
    );
    if (!settled) return false;
    for (const threadId of this.#live()) {
      const thread = await this.#read(threadId);
      const status = thread?.["status"];
      if (isRecord(status) && status["type"] === "active") return false;
    }
    return true;
  }

  async #whatMoves(): Promise<string> {
    const clients = this.clients.map((client) => ({
      name: client.name,
      connected: client.connected,
      waits: [...client.watched].filter((id) => !client.isSubscribed(id)),
    }));
    const unended = this.deeds.all.filter(({ end }) => end === undefined);
    const statuses = [];
    for (const id of this.#live()) statuses.push([id, (await this.#read(id))?.["status"]]);
    return JSON.stringify({ unended, clients, statuses });
  }

  #live(): readonly string[] {
    return this.deeds.threads.filter((id) => !this.deeds.deleted.has(id));
  }

  /** Undefined: it is not there any more. */
  #read(threadId: string): Promise<Json | undefined> {
    return readThread(this.umpire, threadId).catch(() => undefined);
  }

  async #look(): Promise<readonly string[]> {
    const { clients, deeds } = this;
    // Behind this answer is everything that was sent before it.
    for (const client of clients) await client.call("thread/loaded/list", {}, { changes: false });
    const threads = new Map<string, Json>();
    const queues = new Map<string, readonly Json[]>();
    for (const threadId of this.#live()) {
      const thread = await this.#read(threadId);
      if (thread !== undefined) threads.set(threadId, thread);
      const queue = await this.umpire
        .call("thread/queue/list", { threadId })
        .catch(() => ({ data: [] }));
      queues.set(threadId, listOf(queue["data"]));
    }
    const heard = [...this.#heard, ...this.#heardNow()];
    return [
      ...clients.flatMap(({ faults }) => faults),
      ...wrongPlaces(clients),
      ...strayCopies(clients, threads),
      ...wrongEffects({ deeds, threads, queues, heard }),
      ...wrongAnswers(clients),
      ...wrongUnknowns(deeds),
      ...wrongFailures(deeds),
    ];
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
