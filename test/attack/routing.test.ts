/** Who is told of what: at random, over scopes, roles and subscriptions that come and go. */
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { WebSocket } from "ws";
import type { Role } from "../../src/protocol/principal.ts";
import { notifications } from "../../src/protocol/notifications.ts";
import { serverRequests } from "../../src/protocol/server-requests.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import { answer, startMockModel } from "../helpers/mock-model.ts";
import { escalatedCommand } from "../helpers/prompted-model.ts";
import { configFor, HostClient } from "../helpers/running-host.ts";
import { pick, seededRandom } from "../helpers/seeded-random.ts";
import type { Sent } from "../helpers/text-frames.ts";
import { attack, useHost } from "./attack.ts";
import type { Bench } from "./bench.ts";

let model: MockModel;

useHost(async () => {
  model = await startMockModel();
  return { config: configFor(model.baseUrl) };
});
afterAll(() => model?.close());

/** What only subscribers get: everything else that names a thread goes to all whose scope holds it. */
const forSubscribers: ReadonlySet<string> = new Set([
  ...notifications.filter(({ audience }) => audience === "thread").map(({ name }) => name),
  ...serverRequests.map(({ name }) => name),
]);
const approverOnly: ReadonlySet<string> = new Set(serverRequests.map(({ name }) => name));

const threadOf = ({ params }: Sent): string | undefined => {
  const id = params?.["threadId"] ?? Object(params?.["thread"])["id"];
  return typeof id === "string" ? id : undefined;
};

/** A connection, and which threads it may be told of. */
interface Watcher {
  readonly client: HostClient;
  readonly role: Role;
  readonly sees: (threadId: string) => boolean;
}

/** What it was told though it was not its to know. */
function strayIn({ client, role, sees }: Watcher): readonly string[] {
  const subscribed = new Set<string>();
  const stray: string[] = [];
  for (const sent of client.sent) {
    if (sent.method === undefined) {
      noteAnswer(client, sent, subscribed);
      continue;
    }
    const threadId = threadOf(sent);
    if (threadId === undefined) continue;
    const hears = !forSubscribers.has(sent.method) || subscribed.has(threadId);
    const mayAnswer = !approverOnly.has(sent.method) || role !== "viewer";
    if (!sees(threadId) || !hears || !mayAnswer) stray.push(`${sent.method} of ${threadId}`);
  }
  return stray;
}

function noteAnswer(client: HostClient, { id, error }: Sent, subscribed: Set<string>): void {
  const call = client.called.get(id);
  const threadId = String(Object(call?.params)["threadId"]);
  if (error !== undefined) return;
  if (call?.method === "thread/resume") subscribed.add(threadId);
  // From here on: what was published before the answer came before it.
  if (call?.method === "thread/unsubscribe") subscribed.delete(threadId);
}

/** The turns of a thread that a connection heard of while it watched without a break, against all that there were. */
function missedBy({ client }: Watcher, all: HostClient): readonly string[] {
  const watched = new Map<string, string[]>();
  const missed: string[] = [];
  const check = (threadId: string): void => {
    const heard = watched.get(threadId) ?? [];
    watched.delete(threadId);
    const from = heard.length === 0 ? -1 : turnsOf(all, threadId).indexOf(heard[0] ?? "");
    const whole = turnsOf(all, threadId).slice(from, from + heard.length);
    if (heard.length > 0 && heard.join() !== whole.join())
      missed.push(`${threadId}: ${heard.join()}`);
  };
  for (const sent of client.sent) {
    const { method, params } = client.called.get(sent.id) ?? {};
    const threadId = threadOf(sent) ?? String(Object(params)["threadId"]);
    const turn = turnIn(sent);
    if (turn !== undefined) watched.get(threadId)?.push(turn);
    if (method === undefined || sent.method !== undefined || sent.error !== undefined) continue;
    if (method === "thread/resume" && !watched.has(threadId)) watched.set(threadId, []);
    if (method === "thread/unsubscribe") check(threadId);
  }
  for (const threadId of watched.keys()) check(threadId);
  return missed;
}

const turnIn = ({ method, params }: Sent): string | undefined =>
  method === "turn/started" || method === "turn/completed"
    ? `${method} ${Object(params?.["turn"])["id"]}`
    : undefined;

const turnsOf = (client: HostClient, threadId: string): readonly string[] =>
  client.sent.filter((sent) => threadOf(sent) === threadId).flatMap((sent) => turnIn(sent) ?? []);

interface Access {
  readonly role: Role;
  readonly scope?: { readonly threads?: readonly string[]; readonly projects?: readonly string[] };
}

async function enter(bench: Bench, { role, scope }: Access): Promise<HostClient> {
  const admin = await bench.admin();
  const issued = await admin.call("farhelm/token/issue", { name: "w", role, ttlMs: 600_000 });
  if (scope) await admin.call("farhelm/devices/change", { id: issued["id"], scope });
  const headers = { authorization: `Bearer ${String(issued["token"])}` };
  const url = `ws://127.0.0.1:${bench.port}/`;
  return HostClient.initialized(new WebSocket(url, { headers, localAddress: bench.address }));
}

const seeds = [1, 2, 3, 4, 5, 6];

attack(
  "D13",
  "events and questions of others' threads, over random scopes, roles, subscriptions and their ends",
  { expect: { act: "call", code: "scope" }, timeoutMs: 240_000 },
  async (bench) => {
    const folders = ["a", "b", "a-b"].map((name) => join(bench.homes.cwd, name));
    const [a = "", b = "", ab = ""] = folders;
    for (const folder of folders) mkdirSync(join(folder, "deep"), { recursive: true });
    // Reached by another name, it is the same folder.
    symlinkSync(b, join(a, "link"));
    const places = [a, join(a, "deep"), b, ab, join(a, "link")];
    let [heard, admitted, acts] = [0, 0, 0];
    for (const seed of seeds) {
      bench.moveOn();
      const outcome = await oneRun(bench, seed, places);
      heard += outcome.heard;
      acts += outcome.acts;
      admitted += outcome.stray.length;
      expect([seed, outcome.stray]).toEqual([seed, []]);
    }
    return { tried: heard, admitted, acts, runs: seeds.length };
  },
);

async function oneRun(bench: Bench, seed: number, places: readonly string[]) {
  const random = seededRandom(seed);
  const operator = await enter(bench, { role: "operator" });
  const threads = new Map<string, string>();
  for (const cwd of [...places, ...places]) {
    threads.set(await operator.startThread({ cwd, approvalPolicy: "untrusted" }), cwd);
  }
  const ids = [...threads.keys()];
  // A thread is there for others once something was said in it.
  for (const threadId of ids) {
    await operator.turnEnded(await operator.startTurn(threadId, "hello"));
  }
  const [a = "", , b = "", ab = ""] = places;
  const named = ids.filter(() => random() < 0.3);
  const inFolder =
    (...projects: readonly string[]) =>
    (threadId: string): boolean => {
      const cwd = threads.get(threadId) ?? "";
      const real = cwd === join(a, "link") ? b : cwd;
      return projects.some((project) => real === project || real.startsWith(`${project}/`));
    };
  const accesses: readonly (Access & Pick<Watcher, "sees">)[] = [
    { role: "viewer", sees: () => true },
    { role: "operator", scope: { projects: [a] }, sees: inFolder(a) },
    { role: "approver", scope: { projects: [b, ab] }, sees: inFolder(b, ab) },
    { role: "viewer", scope: { threads: named }, sees: (id) => named.includes(id) },
    { role: "viewer", scope: { threads: [], projects: [] }, sees: () => false },
  ];
  const watchers: Watcher[] = [];
  for (const { sees, ...access } of accesses) {
    watchers.push({ client: await enter(bench, access), role: access.role, sees });
  }
  const ended: Promise<unknown>[] = [];
  let acts = 0;
  for (; acts < 60; acts += 1) {
    const threadId = pick(random, ids);
    const { client } = pick(random, watchers);
    const act = random();
    if (act < 0.35) void client.call("thread/resume", { threadId }).catch(() => undefined);
    else if (act < 0.6) void client.call("thread/unsubscribe", { threadId }).catch(() => undefined);
    else if (act < 0.7) await operator.call("thread/name/set", { threadId, name: `n${acts}` });
    else {
      if (act < 0.8) model.enqueue(answer(...escalatedCommand("touch x")));
      ended.push(runTurn(operator, threadId));
      await ended.at(-1);
    }
  }
  await Promise.all(ended);
  for (const { client } of watchers) await client.call("thread/loaded/list");
  const stray = watchers.flatMap((watcher) => [
    ...strayIn(watcher),
    ...missedBy(watcher, operator),
  ]);
  const heard = watchers.reduce(
    (sum, { client }) => sum + client.sent.filter((sent) => threadOf(sent) !== undefined).length,
    0,
  );
  for (const { client } of watchers) client.drop();
  operator.drop();
  return { stray, heard, acts };
}

/** To its end; whatever it asks is declined. */
async function runTurn(operator: HostClient, threadId: string): Promise<void> {
  const turnId = await operator.startTurn(threadId, "go on");
  const asks = operator.until(
    ({ method, params }) =>
      (method?.endsWith("requestApproval") === true && params?.["turnId"] === turnId) ||
      (method === "turn/completed" && Object(params?.["turn"])["id"] === turnId),
  );
  const { id } = await asks;
  if (id !== undefined) operator.answer(id, { decision: "decline" });
  await operator.turnEnded(turnId);
}
