/** Hosts that are killed at seeded points of whatever they do, and looked at each time. */
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { deferred } from "../../src/util/deferred.ts";
import { checkDatabase, checkGoesOn, checkThreads, tearOne, tornRollouts } from "./kill-check.ts";
import { phases, KillSlot } from "./kill-deeds.ts";
import type { Phase } from "./kill-deeds.ts";
import { KillableHost, killHomes, removeHomes } from "./kill-host.ts";
import type { KillHomes } from "./kill-host.ts";
import { KillLedger, textIn } from "./kill-ledger.ts";
import type { KnownThread } from "./kill-ledger.ts";
import type { KillModel } from "./kill-model.ts";
import { startKillModel } from "./kill-model.ts";
import { HostGone, KillPeer } from "./kill-peer.ts";
import { levelSlot, makeSlot, versionsIn } from "./kill-workspace.ts";
import { pick, seededRandom } from "./seeded-random.ts";

const slotNames = ["0", "1", "2"];
const roundsInOneHome = 10;
/** A phase that does not come up is not waited for longer. */
const aimTimeoutMs = 4000;

export interface KillFigures {
  kills: number;
  /** Answers and completed items and turns that the hosts sent before they were killed. */
  acknowledged: number;
  threads: number;
  tornTails: number;
  tornByHand: number;
  /** Patches of which some files were written and some not. */
  halfPatches: number;
  /** Kills that hit the phase at which they were aimed. */
  aimed: Partial<Record<Phase, number>>;
}

export const killConfig = ({ baseUrl }: Pick<KillModel, "baseUrl">): string => `model = "mock-model"
model_provider = "mock"
approval_policy = "on-request"
sandbox_mode = "workspace-write"

[model_providers.mock]
name = "Mock"
base_url = "${baseUrl}"
wire_api = "responses"
`;

/** One home and the hosts that live in it, one after another. */
class KilledHome {
  readonly #homes: KillHomes;
  readonly #model: KillModel;
  readonly #figures: KillFigures;
  readonly #ledger = new KillLedger();
  readonly #tornByHand = new Set<string>();
  #token = "";
  #marks = 0;
  #atWork: string[] = [];
  #host: KillableHost | undefined;

  constructor(model: KillModel, figures: KillFigures) {
    this.#model = model;
    this.#figures = figures;
    this.#homes = killHomes(killConfig(model));
    for (const slot of slotNames) makeSlot(this.#homes.work, slot);
  }

  /** Starts a host, looks at what the last one left, lets it work and kills it. */
  async round(seed: number): Promise<void> {
    const random = seededRandom(seed);
    const aim = phases[seed % phases.length] ?? "delta";
    if (aim === "start of the host") {
      this.#host = new KillableHost(this.#homes);
      await delay(random() * 600);
      this.#struck(this.#host, aim);
    } else {
      const { url } = await this.#startAndCheck();
      await this.#work(url, seed, aim, random);
    }
    await this.#host?.ended();
    this.#host = undefined;
    this.#figures.kills += 1;
    const torn = tornRollouts(this.#homes).filter((path) => !this.#tornByHand.has(basename(path)));
    this.#figures.tornTails += torn.length;
    const path = random() < 0.3 ? tearOne(this.#homes, random) : undefined;
    if (path !== undefined) this.#tornByHand.add(basename(path));
    checkDatabase(this.#homes);
  }

  /** The last host of the home is not killed. */
  async finish(): Promise<void> {
    this.#atWork = [...this.#ledger.threads.keys()];
    const { host } = await this.#startAndCheck();
    this.#host = undefined;
    const live = [...this.#ledger.threads.values()].filter(({ archived }) => !archived[0]);
    await checkGoodEnd(this.#homes, host, live);
    this.#figures.tornByHand += this.#tornByHand.size;
    this.#figures.threads += this.#ledger.threads.size;
    this.#figures.acknowledged += this.#ledger.acknowledged;
  }

  async remove(): Promise<void> {
    this.#host?.strike();
    await this.#host?.ended();
    removeHomes(this.#homes);
  }

  #struck(host: KillableHost, aim: Phase): void {
    host.strike();
    this.#figures.aimed[aim] = (this.#figures.aimed[aim] ?? 0) + 1;
  }

  async #startAndCheck(): Promise<{ readonly host: KillableHost; readonly url: string }> {
    const host = new KillableHost(this.#homes);
    this.#host = host;
    const url = (await host.ready()).replace("http", "ws");
    this.#checkWorkspace();
    const admin = await KillPeer.connect(
      `ws+unix://${join(this.#homes.farhelmHome, "control.sock")}:/`,
    );
    await checkThreads(admin, this.#ledger);
    if (this.#token === "") {
      const params = { name: "kill", role: "admin", ttlMs: 3_600_000 };
      this.#token = textIn(await admin.call("farhelm/token/issue", params), "token");
    }
    const live = [...this.#ledger.threads.values()].filter(({ archived }) => !archived[0]);
    await checkGoesOn(
      url,
      this.#token,
      this.#ledger,
      live.filter(({ id }) => this.#atWork.includes(id)),
    );
    checkNoProblems(this.#model);
    admin.drop();
    return { host, url };
  }

  #checkWorkspace(): void {
    for (const slot of slotNames) {
      if (new Set(versionsIn(this.#homes.work, slot)).size > 1) this.#figures.halfPatches += 1;
      levelSlot(this.#homes.work, slot);
    }
  }

  async #work(url: string, seed: number, aim: Phase, random: () => number): Promise<void> {
    const { host } = this;
    const slots: KillSlot[] = [];
    const first = deferred<Phase | undefined>();
    const peer = await KillPeer.connect(
      url,
      (told) => {
        this.#ledger.hear(told);
        for (const slot of slots) slot.hear(told);
      },
      this.#token,
    );
    const before = new Set(this.#ledger.threads.keys());
    const free = [...this.#ledger.threads.values()];
    for (const slot of slotNames) {
      const thread = random() < 0.3 || free.length === 0 ? undefined : pick(random, free);
      if (thread !== undefined) free.splice(free.indexOf(thread), 1);
      const parts = {
        peer,
        ledger: this.#ledger,
        random,
        sign: (phase: Phase) => {
          if (phase === aim) first.resolve(phase);
        },
        work: this.#homes.work,
        slot,
        mark: () => `${seed}-${(this.#marks += 1)}`,
      };
      slots.push(new KillSlot(parts, thread));
    }
    const runs = slots.map((slot, index) => slot.run(index === 0 ? aim : undefined));
    const late = delay(aimTimeoutMs, undefined, { ref: false });
    const hit = await Promise.race([first.promise, late, failureOf(runs)]);
    const afterMs = random() < 0.5 ? random() * 3 : random() * 30;
    await shortDelay(afterMs);
    host.strike();
    if (hit !== undefined) this.#figures.aimed[aim] = (this.#figures.aimed[aim] ?? 0) + 1;
    await peer.closed;
    await failureOf(runs);
    this.#atWork = [
      ...slots.flatMap(({ threadId }) => threadId ?? []),
      ...[...this.#ledger.threads.keys()].filter((id) => !before.has(id)),
    ];
  }

  get host(): KillableHost {
    if (this.#host === undefined) throw new Error("no host runs");
    return this.#host;
  }
}

async function checkGoodEnd(
  homes: KillHomes,
  host: KillableHost,
  live: readonly KnownThread[],
): Promise<void> {
  expect(await host.stop()).toBe(0);
  const torn = tornRollouts(homes);
  expect(torn.filter((path) => live.some(({ id }) => path.includes(id)))).toEqual([]);
}

const checkNoProblems = ({ problems }: KillModel): void => expect(problems).toEqual([]);

/** Timers are too coarse for what takes a millisecond. */
async function shortDelay(ms: number): Promise<void> {
  const endMs = performance.now() + ms;
  if (ms > 4) await delay(ms - 2);
  else while (performance.now() < endMs);
}

/** Resolves when all have ended because the host is gone; rejects with anything else. */
async function failureOf(runs: readonly Promise<never>[]): Promise<undefined> {
  await Promise.all(
    runs.map((run) =>
      run.catch((error: unknown) => {
        if (!(error instanceof HostGone)) throw error;
      }),
    ),
  );
  return undefined;
}

export async function killHosts(kills: number, firstSeed: number): Promise<KillFigures> {
  const figures: KillFigures = {
    kills: 0,
    acknowledged: 0,
    threads: 0,
    tornTails: 0,
    tornByHand: 0,
    halfPatches: 0,
    aimed: {},
  };
  for (let seed = firstSeed; seed < firstSeed + kills;) {
    const model = await startKillModel();
    const home = new KilledHome(model, figures);
    try {
      const end = Math.min(seed + roundsInOneHome, firstSeed + kills);
      for (; seed < end; seed += 1) await inRound(seed, () => home.round(seed));
      await inRound(seed, () => home.finish());
    } finally {
      await home.remove();
      await model.close();
    }
  }
  return figures;
}

async function inRound(seed: number, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new Error(`after the kill before seed ${seed}`, { cause: error });
  }
}
