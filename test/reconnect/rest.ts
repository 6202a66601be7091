/** How a scene comes to rest once everything has healed, and what is wrong with it then. */
import { setTimeout as delay } from "node:timers/promises";
import { isRecord } from "../../src/util/is-record.ts";
import { listOf } from "../helpers/kill-ledger.ts";
import type { Json } from "../helpers/kill-peer.ts";
import type { Scene } from "./scene.ts";
import { rowsOf } from "./scene.ts";
import { wrongInboxes, wrongSides } from "./side-verdict.ts";
import type { Found } from "./verdict.ts";
import {
  readThread,
  strayCopies,
  wrongAnswers,
  wrongEffects,
  wrongFailures,
  wrongPlaces,
  wrongUnknowns,
} from "./verdict.ts";

/** How long everything may take to come to rest once it has healed; a machine that does much else is slow at it. */
const restMs = 150_000;
const pollMs = 6;
/** What is wrong for so many looks at a host in which nothing moves is wrong. */
const stillLooks = 40;
const lookMs = 25;

/** What is wrong now, and what the host is like: while that changes, something is still under way. */
interface Look {
  readonly wrong: readonly string[];
  readonly state: string;
}

export class Rest {
  readonly #scene: Scene;
  readonly #lateMs = performance.now() + restMs;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** What is wrong once all has healed: with the questions that are left, and when those are answered too. */
  async wrong(): Promise<readonly string[]> {
    for (const proxy of this.#scene.proxies) proxy.heal();
    await this.#untilDone();
    await this.#watchAll();
    await this.#until(() => this.#isStill(true));
    const open = await this.#wrongAfter(() => this.#lookAtQuestions());
    if (open.length > 0) return open;
    await this.#until(
      () => this.#isStill(false),
      () => this.#answer(),
    );
    return this.#wrongAfter(
      () => this.#look(),
      () => this.#answer(),
    );
  }

  async #untilDone(): Promise<void> {
    const done = Promise.all(this.#scene.under).then(() => true);
    await this.#until(() => Promise.race([done, delay(0, false)]));
  }

  async #until(holds: () => Promise<boolean>, meanwhile?: () => void): Promise<void> {
    while (!(await holds())) {
      if (performance.now() > this.#lateMs) throw new Error(`no rest: ${await this.#whatMoves()}`);
      meanwhile?.();
      await delay(pollMs);
    }
  }

  /** A call that was given up may still be on its way, and begin something: who finds that waits for it, too. */
  async #wrongAfter(look: () => Promise<Look>, meanwhile?: () => void): Promise<readonly string[]> {
    let before = "";
    for (let still = 0; ; still += 1) {
      const { wrong, state } = await look();
      if (wrong.length === 0) return wrong;
      if (state !== before) still = 0;
      before = state;
      if (still >= stillLooks || performance.now() > this.#lateMs) return wrong;
      meanwhile?.();
      await delay(lookMs);
    }
  }

  #answer(): void {
    for (const client of this.#scene.clients) client.answerAll("accept");
  }

  /** Nothing is put away any more, and the first client watches everything: somebody must answer what is asked. */
  async #watchAll(): Promise<void> {
    const { umpire, deeds, clients } = this.#scene;
    const [first] = clients;
    // A call that was lost on its way deleted nothing.
    for (const threadId of deeds.deleted) {
      if (await this.#read(threadId)) deeds.deleted.delete(threadId);
    }
    const archived = { archived: true, cwd: deeds.folder };
    for (const { id: threadId } of await rowsOf(umpire, "thread/list", archived)) {
      await umpire.call("thread/unarchive", { threadId }).catch(() => undefined);
    }
    for (const threadId of this.#scene.live()) await first?.watch(threadId);
  }

  /** `mayAsk`: a thread that waits for an answer counts as one at rest. */
  async #isStill(mayAsk: boolean): Promise<boolean> {
    const settled = this.#scene.clients.every(
      ({ connected, view }) =>
        connected && [...view.watched].every((id) => view.subscribed.has(id)),
    );
    if (!settled) return false;
    for (const threadId of this.#scene.live()) {
      const status = (await this.#read(threadId))?.["status"];
      if (!isRecord(status) || status["type"] !== "active") continue;
      const { activeFlags } = status;
      const waits = Array.isArray(activeFlags) && activeFlags.length > 0;
      if (!mayAsk || !waits) return false;
    }
    return true;
  }

  async #whatMoves(): Promise<string> {
    const { clients, deeds } = this.#scene;
    const about = clients.map(({ name, connected, view }) => ({
      name,
      connected,
      waits: [...view.watched].filter((id) => !view.subscribed.has(id)),
    }));
    const unended = deeds.all.filter(({ end }) => end === undefined);
    const statuses = [];
    for (const id of this.#scene.live()) statuses.push([id, (await this.#read(id))?.["status"]]);
    return JSON.stringify({ unended, clients: about, statuses });
  }

  /** Without its turns. Undefined: it is not there any more. */
  async #read(threadId: string): Promise<Json | undefined> {
    const { thread } = await this.#scene.umpire
      .call("thread/read", { threadId })
      .catch((): Json => ({}));
    return isRecord(thread) ? thread : undefined;
  }

  /** Every client shows the questions that wait, and is given the same ones as its inbox. */
  async #lookAtQuestions(): Promise<Look> {
    const { clients, umpire } = this.#scene;
    const inboxes = new Map<string, readonly Json[]>();
    for (const client of clients) {
      const end = await client.call("approval/inbox", {}, { changes: false });
      inboxes.set(client.name, end.kind === "answered" ? listOf(end.result["data"]) : []);
    }
    const rows = await rowsOf(umpire, "approval/inbox", {});
    return { wrong: wrongInboxes(clients, inboxes, rows), state: JSON.stringify(rows) };
  }

  async #look(): Promise<Look> {
    const { clients, deeds, umpire } = this.#scene;
    // Behind this answer is everything that was sent before it.
    for (const client of clients) await client.call("thread/loaded/list", {}, { changes: false });
    const threads = new Map<string, Json>();
    const queues = new Map<string, readonly Json[]>();
    const sides = new Map<string, Json>();
    for (const threadId of this.#scene.live()) {
      const thread = await readThread(umpire, threadId).catch(() => undefined);
      if (thread === undefined) continue;
      threads.set(threadId, thread.shown);
      queues.set(threadId, await rowsOf(umpire, "thread/queue/list", { threadId }));
      const { goal } = await umpire.call("thread/goal/get", { threadId }).catch((): Json => ({}));
      sides.set(threadId, { goal, readState: thread.readState });
    }
    const found: Found = { deeds, threads, queues, heard: this.#scene.heard() };
    return {
      wrong: [
        ...clients.flatMap(({ view }) => view.faults),
        ...wrongPlaces(clients),
        ...strayCopies(clients, threads),
        ...wrongSides(clients, sides),
        ...wrongEffects(found),
        ...wrongAnswers(clients),
        ...wrongUnknowns(deeds),
        ...wrongFailures(deeds),
      ],
      state: JSON.stringify([...threads, ...queues, ...sides]),
    };
  }
}
