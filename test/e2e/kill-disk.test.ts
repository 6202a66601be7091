import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isRecord } from "../../src/util/is-record.ts";
import { checkDatabase, tornRollouts } from "../helpers/kill-check.ts";
import { KillableHost, killHomes } from "../helpers/kill-host.ts";
import type { KillHomes } from "../helpers/kill-host.ts";
import { listOf, textIn } from "../helpers/kill-ledger.ts";
import type { KillModel } from "../helpers/kill-model.ts";
import { startKillModel } from "../helpers/kill-model.ts";
import { KillPeer } from "../helpers/kill-peer.ts";
import type { Json, Told } from "../helpers/kill-peer.ts";
import { killConfig } from "../helpers/kill-run.ts";
import { makeSlot, versionsIn } from "../helpers/kill-workspace.ts";
import { SmallDisk } from "../helpers/small-disk.ts";

const disk = SmallDisk.make(8);
const oneSentence = /^farhelm: [^\n]+\n$/;

/** A turn for whose end there was no room reads interrupted after a restart: what lasts of it is its id. */
const lasting = (ended: Json): Json =>
  ["failed", "interrupted"].includes(textIn(ended, "status")) ? { id: ended["id"] } : ended;

describe.skipIf(disk === undefined)("a disk that is full or read-only (needs root)", () => {
  let small: SmallDisk;
  let model: KillModel;
  let homes: KillHomes;
  let host: KillableHost | undefined;
  let peer: KillPeer;
  let told: Told[] = [];
  let ends: ((turn: Json) => void)[] = [];

  beforeEach(async () => {
    small = disk ?? new SmallDisk();
    model = await startKillModel();
    homes = killHomes(killConfig(model), join(small.path, `home-${Date.now()}`));
    makeSlot(homes.work, "0");
  });
  afterEach(async () => {
    await host?.stop();
    host = undefined;
    await model.close();
    small.makeRoom();
  });

  const start = async (): Promise<void> => {
    host = new KillableHost(homes);
    await host.ready();
    told = [];
    ends = [];
    const url = `ws+unix://${join(homes.farhelmHome, "control.sock")}:/`;
    peer = await KillPeer.connect(url, (one) => {
      told.push(one);
      const { turn } = one.params;
      if (one.method === "turn/completed" && isRecord(turn)) ends.shift()?.(turn);
    });
  };
  const turn = async (threadId: string, text: string): Promise<Json> => {
    const ended = new Promise<Json>((resolve) => ends.push(resolve));
    await peer.call("turn/start", { threadId, input: [{ type: "text", text }] });
    return ended;
  };
  const startThread = async (): Promise<string> => {
    const { thread } = await peer.call("thread/start", {});
    return isRecord(thread) ? textIn(thread, "id") : "";
  };
  const turnsOf = async (threadId: string): Promise<readonly Json[]> => {
    const { thread } = await peer.call("thread/read", { threadId, includeTurns: true });
    return isRecord(thread) ? listOf(thread["turns"]) : [];
  };
  const long = "x".repeat(100_000);

  test("what does not fit is refused with a reason, nothing is torn, and with room it goes on", async () => {
    await start();
    const id = await startThread();
    expect(await turn(id, "brief one")).toMatchObject({ status: "completed" });
    const before = await turnsOf(id);

    small.fill();
    const full = /The disk is full: could not .*Free some space and try again/;
    await expect(turn(id, `brief ${long}`)).rejects.toThrow(full);
    const other = await startThread();
    await expect(turn(other, `brief ${long}`)).rejects.toThrow(full);
    expect(await turnsOf(id)).toEqual(before);
    expect(tornRollouts(homes)).toEqual([]);
    ends = [];

    small.makeRoom();
    small.fill(32_768);
    const patched = await turn(id, "patch 0 0 1").catch((error: unknown) => String(error));
    expect(JSON.stringify(patched)).toMatch(/"status":"(completed|failed)"|disk is full/);
    expect(versionsIn(homes.work, "0")).toEqual([0, 0, 0]);
    expect(tornRollouts(homes)).toEqual([]);
    ends = [];

    small.makeRoom();
    expect(await turn(id, "patch 0 0 1")).toMatchObject({ status: "completed" });
    expect(versionsIn(homes.work, "0")).toEqual([1, 1, 1]);
    expect(await turn(other, "brief again")).toMatchObject({ status: "completed" });
    await peer.call("thread/name/set", { threadId: id, name: "Roomy" });
    const after = await turnsOf(id);
    peer.drop();
    expect(await host?.stop()).toBe(0);
    checkDatabase(homes);

    await start();
    expect((await turnsOf(id)).map(lasting)).toEqual(after.map(lasting));
    expect((await turnsOf(other)).length).toBe(1);
    peer.drop();
  }, 60_000);

  test("a first start without room says so in one sentence; a later one shows what is there", async () => {
    await start();
    const id = await startThread();
    await turn(id, "brief one");
    const before = await turnsOf(id);
    peer.drop();
    await host?.stop();
    small.fill();
    const starved = new KillableHost({ ...homes, farhelmHome: join(small.path, "new") });
    expect([await starved.failed(), starved.said]).toEqual([1, expect.stringMatching(oneSentence)]);
    expect(starved.said).toMatch(/full|room/i);

    await start();
    expect(await turnsOf(id)).toEqual(before);
    expect(host?.said).toMatch(/The disk is full.* "npx farhelm pair" makes one/);
    await peer.call("thread/resume", { threadId: id });
    await expect(turn(id, `brief ${long}`)).rejects.toThrow("The disk is full");
    ends = [];
    small.makeRoom();
    expect(await turn(id, "brief two")).toMatchObject({ status: "completed" });
    peer.drop();
  }, 60_000);

  test("read-only homes end the start with one sentence; a read-only history alone refuses turns", async () => {
    small.setWritable(false);
    try {
      for (const place of [homes, { ...homes, farhelmHome: join(small.path, "new") }]) {
        const refused = new KillableHost(place);
        expect([await refused.failed(), refused.said]).toEqual([
          1,
          expect.stringMatching(oneSentence),
        ]);
        expect(refused.said).toMatch(/read-only/i);
      }
      const elsewhere = SmallDisk.make(8);
      if (elsewhere === undefined) throw new Error("there was room for a disk before");
      const writable = { ...homes, farhelmHome: join(elsewhere.path, "farhelm") };
      mkdirSync(writable.farhelmHome, { mode: 0o700 });
      homes = writable;
      await start();
      const id = await startThread();
      await expect(turn(id, "brief one")).rejects.toThrow(
        /not writable \(EROFS\)\. Make it writable/,
      );
      peer.drop();
      expect(await host?.stop()).toBe(0);
      host = undefined;
      elsewhere.remove();
    } finally {
      small.setWritable(true);
      small.remove();
    }
  }, 60_000);
});
