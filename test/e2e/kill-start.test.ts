import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "../../src/db/database.ts";
import { deferred } from "../../src/util/deferred.ts";
import { isRecord } from "../../src/util/is-record.ts";
import { uuidV7 } from "../../src/util/uuid-v7.ts";
import { checkDatabase, listed } from "../helpers/kill-check.ts";
import { KillableHost, killHomes, removeHomes } from "../helpers/kill-host.ts";
import type { KillHomes } from "../helpers/kill-host.ts";
import { textIn } from "../helpers/kill-ledger.ts";
import type { KillModel } from "../helpers/kill-model.ts";
import { startKillModel } from "../helpers/kill-model.ts";
import { KillPeer } from "../helpers/kill-peer.ts";
import { killConfig } from "../helpers/kill-run.ts";
import { seededRandom } from "../helpers/seeded-random.ts";

let model: KillModel;
let made: KillHomes[] = [];
const newHomes = (): KillHomes => {
  const homes = killHomes(killConfig(model));
  made.push(homes);
  return homes;
};
beforeEach(async () => {
  model = await startKillModel();
});
afterEach(async () => {
  for (const homes of made) removeHomes(homes);
  made = [];
  await model.close();
});

const control = ({ farhelmHome }: KillHomes): string =>
  `ws+unix://${join(farhelmHome, "control.sock")}:/`;

async function killedAfter(homes: KillHomes, ms: number): Promise<void> {
  const host = new KillableHost(homes);
  await delay(ms);
  host.strike();
  await host.ended();
}

test("a host that is killed at its very first start makes a whole home at the next", async () => {
  const random = seededRandom(1);
  for (let step = 0; step < 10; step += 1) {
    const homes = newHomes();
    await killedAfter(homes, 90 + (step + random()) * 35);
    const host = new KillableHost(homes);
    const url = await host.ready();
    const admin = await KillPeer.connect(control(homes));
    const { token } = await admin.call("farhelm/token/issue", {
      name: "first",
      role: "operator",
      ttlMs: 60_000,
    });
    admin.drop();
    const peer = await KillPeer.connect(url.replace("http", "ws"), () => {}, String(token));
    await peer.call("thread/start", {});
    peer.drop();
    expect(await host.stop()).toBe(0);
    checkDatabase(homes);
    const id = readFileSync(join(homes.farhelmHome, "installation-id"), "utf8");
    expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(readdirSync(homes.farhelmHome).filter((name) => name.includes(".part"))).toEqual([]);
  }
}, 180_000);

const copies = 600;

/** One thread that a host wrote, and as many with its lines. */
async function manyThreads(homes: KillHomes): Promise<readonly string[]> {
  const host = new KillableHost(homes);
  await host.ready();
  const ended = deferred<void>();
  const peer = await KillPeer.connect(control(homes), ({ method }) => {
    if (method === "turn/completed") ended.resolve();
  });
  const { thread } = await peer.call("thread/start", {});
  const threadId = isRecord(thread) ? textIn(thread, "id") : "";
  const path = isRecord(thread) ? textIn(thread, "path") : "";
  await peer.call("turn/start", { threadId, input: [{ type: "text", text: "brief one" }] });
  await ended.promise;
  peer.drop();
  await host.stop();
  const text = readFileSync(path, "utf8");
  const others = Array.from({ length: copies }, () => uuidV7());
  for (const id of others) writeFileSync(path.replace(threadId, id), text.replaceAll(threadId, id));
  return [threadId, ...others].toSorted();
}

/** The index as an older program, or none, would have left it. */
const older: readonly string[] = [
  "DROP TABLE store_threads; DELETE FROM migrations WHERE owner = 'store'",
  "UPDATE store_threads SET mtime_ms = 0, size = 0, preview = ''",
  "DELETE FROM store_threads WHERE rowid % 2 = 0",
];

test("a host that is killed while its index is made anew has every thread in it in the end", async () => {
  const homes = newHomes();
  const ids = await manyThreads(homes);
  const random = seededRandom(2);
  for (const sql of older) {
    const database = openDatabase(join(homes.farhelmHome, "farhelm.sqlite"));
    database.exec(sql);
    database.close();
    for (const least of [100, 200, 300]) {
      await killedAfter(homes, least + random() * 150);
      checkDatabase(homes);
    }
    const host = new KillableHost(homes);
    await host.ready();
    const peer = await KillPeer.connect(control(homes));
    expect([...(await listed(peer, false)).keys()].toSorted()).toEqual(ids);
    peer.drop();
    expect(await host.stop()).toBe(0);
  }
}, 180_000);
