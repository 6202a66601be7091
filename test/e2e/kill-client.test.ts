import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { RawData } from "ws";
import { WebSocket } from "ws";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { OpenSocket } from "../../src/client/client-socket.ts";
import { MemoryKeyStore } from "../../src/client/device-key.ts";
import type { ClientListener } from "../../src/client/farhelm-client.ts";
import { FarhelmClient } from "../../src/client/farhelm-client.ts";
import { pairDevice } from "../../src/client/pairing.ts";
import { OutcomeUnknown } from "../../src/client/rpc-peer.ts";
import { readPairingLink } from "../../src/protocol/pairing-link.ts";
import type { KillHomes } from "../helpers/kill-host.ts";
import { KillableHost, killHomes, removeHomes } from "../helpers/kill-host.ts";
import type { KillModel } from "../helpers/kill-model.ts";
import { startKillModel } from "../helpers/kill-model.ts";
import { killConfig } from "../helpers/kill-run.ts";

const retry = { retry: true };
const post = fetch;

/** As a browser would come. */
const openSocketOf =
  (origin: string): OpenSocket =>
  (url, protocols, listener) => {
    const socket = new WebSocket(url, [...protocols], { origin });
    socket.on("open", () => listener.opened());
    socket.on("message", (data: RawData) => {
      if (Buffer.isBuffer(data)) listener.received(data.toString());
    });
    socket.on("error", () => undefined);
    socket.on("close", (code, reason) => listener.closed(code, reason.toString()));
    return {
      send: (text) => socket.send(text, () => undefined),
      close: (code, reason) => socket.close(code, reason),
    };
  };

let model: KillModel;
let homes: KillHomes;
let host: KillableHost;
let port: number;
let client: FarhelmClient;
/** Names of notifications, and what became of resumptions. */
const heard: string[] = [];

const listener: ClientListener = {
  stateChanged: () => undefined,
  notified: ({ method }) => void heard.push(method),
  asked: () => undefined,
  resumed: () => void heard.push("resumed"),
  caughtUp: () => void heard.push("caughtUp"),
  gap: (_threadId, reason) => void heard.push(`gap: ${reason}`),
  resumeFailed: (_threadId, error) => void heard.push(`failed: ${error.message}`),
};

/** A port that nobody listens on: the host is to come back under the address of before. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });

beforeAll(async () => {
  model = await startKillModel();
  homes = killHomes(killConfig(model));
  port = await freePort();
  host = new KillableHost(homes, port);
  const origin = await host.ready();
  await vi.waitUntil(() => /pairing link is in \S+ until/.test(host.said), 20_000);
  const file = /pairing link is in (\S+) until/.exec(host.said)?.[1] ?? "";
  const link = readPairingLink(readFileSync(file, "utf8"));
  const keyStore = new MemoryKeyStore();
  const token = await pairDevice({
    origin,
    post,
    keyStore,
    way: { secret: link?.secret ?? "" },
    hostFingerprint: link?.hostFingerprint,
    deviceName: "Phone",
  });
  const clientInfo = { name: "kill-test", title: "Kill", version: "1" };
  const openSocket = openSocketOf(origin);
  client = new FarhelmClient({ origin, post, openSocket, keyStore, clientInfo, listener });
  client.start(token);
  await vi.waitUntil(() => client.state.kind === "connected", 20_000);
}, 60_000);
afterAll(async () => {
  client?.stop();
  host.strike();
  await host.ended();
  removeHomes(homes);
  await model.close();
});

async function killAndStart(): Promise<void> {
  host.strike();
  await host.ended();
  host = new KillableHost(homes, port);
  await host.ready();
}

const said = (text: string) => [{ type: "text" as const, text, text_elements: [] }];

test("a client outlives its host: every message is said once, or known to be unknown, and the view is the host's", async () => {
  const { thread } = await client.call("thread/start", {}, { retry: true, watch: true });
  const threadId = thread.id;
  await client.call("turn/start", { threadId, input: said("brief first") }, retry);
  const fates: string[] = [];
  for (const [index, ms] of [0, 4, 12].entries()) {
    await expect.poll(() => heard.includes("turn/completed"), { timeout: 20_000 }).toBe(true);
    heard.length = 0;
    const text = `brief word-${index}-`;
    const call = client.call("turn/start", { threadId, input: said(text) }, retry).then(
      ({ turn }) => turn.id,
      (error: unknown) => error,
    );
    await delay(ms);
    await killAndStart();
    const fate = await call;
    expect(fate).toSatisfy((is) => is instanceof OutcomeUnknown || typeof is === "string");
    await expect.poll(() => heard, { timeout: 20_000 }).toContain("resumed");
    expect(heard.filter((what) => what.startsWith("gap"))).toEqual(["gap: restarted"]);
    const { thread: read } = await client.call("thread/read", { threadId, includeTurns: true });
    const turns = read.turns.filter(({ items }) => JSON.stringify(items).includes(text));
    const ids = turns.map(({ id }) => id);
    expect([ms, ids]).toEqual([ms, typeof fate === "string" ? [fate] : ids.slice(0, 1)]);
    fates.push(typeof fate === "string" ? "once" : "unknown");
    await client.call("turn/start", { threadId, input: said("brief more") }, retry);
  }
  process.stdout.write(`${fates.join(" ")}\n`);
}, 240_000);

test("a call that its host died over is unknown to the client, and was made once", async () => {
  const mark = join(homes.work, "ran");
  const params = {
    command: ["sh", "-c", `echo ran >> ${mark}; exec sleep 600`],
    sandboxPolicy: { type: "dangerFullAccess" as const },
  };
  const call = client.call("command/exec", params, retry).catch((error: unknown) => error);
  await expect.poll(() => existsSync(mark), { timeout: 20_000 }).toBe(true);
  await killAndStart();
  expect(await call).toBeInstanceOf(OutcomeUnknown);
  expect(readFileSync(mark, "utf8")).toBe("ran\n");
});
