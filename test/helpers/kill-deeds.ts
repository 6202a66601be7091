/** What one slot does with its thread, one deed after another, until its host is gone. */
import { isRecord } from "../../src/util/is-record.ts";
import type { KillLedger, KnownThread } from "./kill-ledger.ts";
import { textIn } from "./kill-ledger.ts";
import type { Json, KillPeer, Told } from "./kill-peer.ts";
import { HostGone, Refused } from "./kill-peer.ts";
import { levelSlot } from "./kill-workspace.ts";
import { pick } from "./seeded-random.ts";

/** What a kill can be aimed at. */
export const phases = [
  "turn begins",
  "delta",
  "approval waits",
  "approval given",
  "patch begins",
  "patch done",
  "name",
  "first name",
  "archive",
  "unarchive",
  "fork",
  "delete",
  "steer",
  "interrupt",
  "compaction",
  "long line",
  "turn done",
  "start of the host",
] as const;
export type Phase = (typeof phases)[number];

const deeds = [
  "talk",
  "talk",
  "steer",
  "interrupt",
  "run",
  "run",
  "patch",
  "patch",
  "rename",
  "archive",
  "fork",
  "delete",
  "compact",
  "long",
  "renew",
] as const;
type Deed = (typeof deeds)[number];

/** The deed in which a phase comes up. */
const deedOf: Readonly<Record<Phase, Deed>> = {
  "turn begins": "talk",
  delta: "talk",
  "approval waits": "run",
  "approval given": "run",
  "patch begins": "patch",
  "patch done": "patch",
  name: "rename",
  "first name": "renew",
  archive: "archive",
  unarchive: "archive",
  fork: "fork",
  delete: "delete",
  steer: "steer",
  interrupt: "interrupt",
  compaction: "compact",
  "long line": "long",
  "turn done": "talk",
  "start of the host": "talk",
};

export interface SlotParts {
  readonly peer: KillPeer;
  readonly ledger: KillLedger;
  readonly random: () => number;
  /** Called at the first sign of each phase. */
  readonly sign: (phase: Phase) => void;
  readonly work: string;
  readonly slot: string;
  /** For names and prompts that no other has. */
  readonly mark: () => string;
}

export class KillSlot {
  readonly #parts: SlotParts;
  readonly #waiting = new Set<(told: Told) => void>();
  #thread: KnownThread | undefined;

  constructor(parts: SlotParts, thread: KnownThread | undefined) {
    this.#parts = parts;
    this.#thread = thread;
  }

  get threadId(): string | undefined {
    return this.#thread?.id;
  }

  /** Every notification and question that the connection hears. */
  hear(told: Told): void {
    if (textIn(told.params, "threadId") !== this.#thread?.id) return;
    if (told.id !== undefined) this.#answer(told.id);
    for (const listener of this.#waiting) listener(told);
  }

  /** Rejects with `HostGone` in the end. */
  async run(aim: Phase | undefined): Promise<never> {
    const { random } = this.#parts;
    await this.#begin();
    const before = Math.floor(random() * 4);
    for (let step = 0; ; step += 1) {
      await this.#do(step === before && aim !== undefined ? deedOf[aim] : pick(random, deeds));
    }
  }

  async #begin(): Promise<void> {
    const { peer } = this.#parts;
    if (this.#thread === undefined) return this.#renew();
    const { id } = this.#thread;
    if (this.#thread.archived[0] === true) {
      this.#thread.archived = [true, false];
      await peer.call("thread/unarchive", { threadId: id });
      this.#thread.archived = [false];
    }
    await peer.call("thread/resume", { threadId: id });
  }

  async #do(deed: Deed): Promise<void> {
    const { random, slot, mark, work } = this.#parts;
    switch (deed) {
      case "talk":
        await Promise.all([this.#turn("talk"), random() < 0.3 ? this.#rename() : undefined]);
        return;
      case "steer":
        await this.#turn("talk", () => this.#steer());
        return;
      case "interrupt":
        await this.#turn("talk", (turnId) => this.#interrupt(turnId));
        return;
      case "run":
        await this.#turn("run");
        return;
      case "patch": {
        const version = levelSlot(work, slot);
        this.#patching = true;
        await this.#turn(`patch ${slot} ${version} ${version + 1}`);
        this.#patching = false;
        return;
      }
      case "rename":
        await this.#rename();
        return;
      case "archive":
        await this.#archive();
        return;
      case "fork":
        if (random() < 0.4) await this.#turn("talk", () => this.#fork());
        else {
          this.#thread = await this.#fork();
          await this.#turn("brief");
        }
        return;
      case "delete":
        await this.#delete();
        return;
      case "compact":
        await this.#compact();
        return;
      case "long":
        await this.#renew("long line");
        return;
      case "renew":
        await this.#renew();
        return;
      default:
        throw new Error(`no such deed: ${String(deed satisfies never)} ${mark()}`);
    }
  }

  #patching = false;

  #known(): KnownThread {
    if (this.#thread === undefined) throw new Error("the slot has no thread yet");
    return this.#thread;
  }

  #until(method: string, matches: (params: Json) => boolean = () => true): Promise<void> {
    return new Promise((resolve, reject) => {
      const listener = (told: Told): void => {
        if (told.method !== method || !matches(told.params)) return;
        this.#waiting.delete(listener);
        resolve();
      };
      this.#waiting.add(listener);
      void this.#parts.peer.closed.then(() => reject(new HostGone()));
    });
  }

  /** A turn to its end; `amid` happens after its second delta. */
  async #turn(word: string, amid?: (turnId: string) => Promise<unknown>): Promise<void> {
    const { peer, ledger, sign, mark } = this.#parts;
    const thread = this.#known();
    const text = `${word} ${mark()}`;
    const done = this.#until("turn/completed");
    done.catch(() => undefined);
    const streaming = this.#until("item/agentMessage/delta");
    streaming.catch(() => undefined);
    void streaming.then(
      () => sign("delta"),
      () => undefined,
    );
    if (this.#patching) {
      this.#until(
        "item/started",
        ({ item }) => isRecord(item) && item["type"] === "fileChange",
      ).then(
        () => sign("patch begins"),
        () => undefined,
      );
      this.#until(
        "item/completed",
        ({ item }) => isRecord(item) && item["type"] === "fileChange",
      ).then(
        () => sign("patch done"),
        () => undefined,
      );
    }
    thread.mayHaveMore = true;
    const asked = peer.call("turn/start", { threadId: thread.id, input: [input(text)] });
    sign("turn begins");
    const { turn } = await asked;
    thread.mayHaveMore = false;
    const turnId = isRecord(turn) ? textIn(turn, "id") : "";
    ledger.acknowledged += 1;
    ledger.turnOf(thread.id, turnId)?.inputs.push(text);
    if (amid !== undefined) {
      await streaming;
      await amid(turnId);
    }
    await done;
    sign("turn done");
  }

  async #steer(): Promise<void> {
    const { peer, ledger, sign, mark } = this.#parts;
    const thread = this.#known();
    const turnId = [...thread.turns.keys()].at(-1) ?? "";
    const text = `talk ${mark()}`;
    const params = { threadId: thread.id, expectedTurnId: turnId, input: [input(text)] };
    const steered = peer.call("turn/steer", params);
    sign("steer");
    await orRefused(steered, () => {
      ledger.acknowledged += 1;
      ledger.turnOf(thread.id, turnId)?.inputs.push(text);
    });
  }

  async #interrupt(turnId: string): Promise<void> {
    const { peer, sign } = this.#parts;
    const asked = peer.call("turn/interrupt", { threadId: this.#known().id, turnId });
    sign("interrupt");
    await orRefused(asked, () => undefined);
  }

  #answer(id: string | number): void {
    const { peer, random, sign } = this.#parts;
    sign("approval waits");
    const decision = random() < 0.8 ? "accept" : "decline";
    setTimeout(
      () => {
        peer.answer(id, { decision });
        sign("approval given");
      },
      5 + random() * 35,
    );
  }

  async #rename(): Promise<void> {
    const { peer, ledger, sign, mark } = this.#parts;
    const thread = this.#known();
    const name = `name ${mark()}`;
    thread.names.push(name);
    const named = peer.call("thread/name/set", { threadId: thread.id, name });
    sign("name");
    await named;
    thread.names = [name];
    ledger.acknowledged += 1;
  }

  async #archive(): Promise<void> {
    const { peer, ledger, sign } = this.#parts;
    const thread = this.#known();
    const { id: threadId } = thread;
    thread.archived = [false, true];
    const archived = peer.call("thread/archive", { threadId });
    sign("archive");
    await archived;
    thread.archived = [true, false];
    const unarchived = peer.call("thread/unarchive", { threadId });
    sign("unarchive");
    await unarchived;
    thread.archived = [false];
    ledger.acknowledged += 2;
    await peer.call("thread/resume", { threadId });
  }

  async #fork(): Promise<KnownThread> {
    const { peer, ledger, sign } = this.#parts;
    const source = this.#known();
    ledger.unanswered += 1;
    const asked = peer.call("thread/fork", { threadId: source.id });
    sign("fork");
    const { thread } = await asked;
    ledger.unanswered -= 1;
    ledger.acknowledged += 1;
    if (!isRecord(thread)) throw new Error("a fork is a thread");
    return ledger.forked(source, thread);
  }

  async #delete(): Promise<void> {
    const { peer, ledger, sign } = this.#parts;
    const thread = this.#known();
    thread.deleted = [false, true];
    const deleted = peer.call("thread/delete", { threadId: thread.id });
    sign("delete");
    let refused = true;
    await orRefused(deleted, () => (refused = false));
    thread.deleted = [!refused];
    ledger.acknowledged += refused ? 0 : 1;
    await this.#renew();
  }

  async #compact(): Promise<void> {
    const { peer, sign } = this.#parts;
    const thread = this.#known();
    const done = this.#until("turn/completed");
    done.catch(() => undefined);
    thread.mayHaveMore = true;
    const asked = peer.call("thread/compact/start", { threadId: thread.id });
    sign("compaction");
    await asked;
    await done;
    thread.mayHaveMore = false;
  }

  /** A new thread with its first turn; `long`: with more than one write can take at once. */
  async #renew(long?: "long line"): Promise<void> {
    const { peer, ledger, random, sign } = this.#parts;
    ledger.unanswered += 1;
    const historyMode = random() < 0.3 ? "legacy" : "paginated";
    const { thread } = await peer.call("thread/start", { historyMode });
    ledger.unanswered -= 1;
    this.#thread = ledger.begin(
      isRecord(thread) ? textIn(thread, "id") : "",
      historyMode === "legacy",
    );
    if (random() < 0.5) await this.#rename();
    sign("first name");
    if (long === undefined) await this.#turn("talk");
    else {
      sign(long);
      await this.#turn(`brief ${"x".repeat(900_000)}`);
    }
  }
}

const input = (text: string): object => ({ type: "text", text, text_elements: [] });

/** A deed that came too late may be refused; one that the host did not live to answer may not. */
async function orRefused(asked: Promise<Json>, accepted: () => unknown): Promise<void> {
  try {
    await asked;
    accepted();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}
