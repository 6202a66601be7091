/** What an access of limited scope sees, hears and touches, over real sockets. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { RunningHost } from "../../src/cli/host.ts";
import {
  HostClient,
  startOn,
  stopHosts,
  temporaryHomes,
  type Homes,
} from "../helpers/running-host.ts";

let homes: Homes;
let host: RunningHost;
let admin: HostClient;
let [inside, outside] = ["", ""];
beforeEach(async () => {
  homes = temporaryHomes("");
  [inside, outside] = [join(homes.root, "inside"), join(homes.root, "outside")];
  for (const folder of [inside, outside]) mkdirSync(folder);
  host = await startOn(homes);
  admin = await HostClient.connect(homes);
});
afterEach(stopHosts);

async function scoped(scope: object, role = "operator"): Promise<HostClient> {
  const { token, id } = await admin.call("farhelm/token/issue", {
    name: "s",
    role,
    ttlMs: 600_000,
  });
  await admin.call("farhelm/devices/change", { id, scope });
  const headers = { authorization: `Bearer ${String(token)}` };
  return HostClient.initialized(new WebSocket(host.url.replace("http", "ws"), { headers }));
}

/** A thread in `cwd` with one turn behind it. */
async function thread(cwd: string): Promise<string> {
  const id = await admin.startThread({ cwd });
  await admin.turnEnded(await admin.startTurn(id, "what can you do?"));
  return id;
}

/** The file of its rollout. */
const pathOf = async (threadId: string): Promise<unknown> =>
  Object((await admin.call("thread/read", { threadId }))["thread"]).path;

const said = (outcome: Promise<unknown>): Promise<string> => outcome.then(() => "done", String);

describe("a device for one project", () => {
  test("sees its threads in lists and nothing of the others, however they are asked for", async () => {
    const [mine, other] = [await thread(inside), await thread(outside)];
    const client = await scoped({ projects: [inside] });
    const listed = await client.call("thread/list", { limit: 10 });
    expect([listed["data"]].flat().map((row) => Object(row)["id"])).toEqual([mine]);
    expect(await client.call("thread/loaded/list")).toMatchObject({ data: [mine] });
    expect(await client.call("thread/read", { threadId: mine })).toMatchObject({
      thread: { id: mine },
    });
    const unknown = "00000000-0000-4000-8000-000000000000";
    const calls: readonly (readonly [string, object])[] = [
      ["thread/read", {}],
      ["thread/read", { includeTurns: true }],
      ["thread/resume", {}],
      ["thread/fork", {}],
      ["thread/turns/list", {}],
      ["thread/items/list", {}],
      ["thread/name/set", { name: "x" }],
      ["thread/archive", {}],
      ["thread/delete", {}],
      ["thread/compact/start", {}],
      ["thread/queue/list", {}],
      ["turn/start", { input: [{ type: "text", text: "hi" }] }],
      ["turn/interrupt", { turnId: "t" }],
    ];
    for (const [method, params] of calls) {
      const real = await said(client.call(method, { ...params, threadId: other }));
      const none = await said(client.call(method, { ...params, threadId: unknown }));
      expect([method, real.replaceAll(other, "ID")]).toEqual([
        method,
        none.replaceAll(unknown, "ID"),
      ]);
      expect([method, real]).not.toEqual([method, "done"]);
      const spelled = other.replaceAll("-", "").toUpperCase();
      expect(await said(client.call(method, { ...params, threadId: spelled }))).not.toBe("done");
    }
    expect(await admin.call("thread/read", { threadId: other })).toMatchObject({
      thread: { id: other, name: null },
    });
  });

  test("names no thread by a path, not even its own", async () => {
    const [mine, other] = [await thread(inside), await thread(outside)];
    const client = await scoped({ projects: [inside] });
    for (const method of ["thread/resume", "thread/fork"]) {
      for (const threadId of [mine, other]) {
        for (const path of [await pathOf(other), await pathOf(mine), "x"]) {
          expect(await said(client.call(method, { threadId, path }))).toContain(
            "This access is for a part of the host: name the thread by its id alone.",
          );
        }
      }
    }
    expect(client.eventsOf(other)).toEqual([]);
  });

  test("hears of its threads alone, questions included", async () => {
    const client = await scoped({ projects: [inside] });
    const [mine, other] = [await thread(inside), await thread(outside)];
    await client.call("thread/resume", { threadId: mine });
    const ask = async (threadId: string): Promise<void> => {
      const turnId = await admin.startTurn(threadId, "run `git --version`");
      const isAsked = ({ method, params }: { method?: string; params?: object }): boolean =>
        method?.endsWith("requestApproval") === true && Object(params)["threadId"] === threadId;
      const { id } = await admin.until(isAsked);
      if (threadId === mine) await client.until(isAsked);
      admin.answer(id, { decision: "accept" });
      await admin.turnEnded(turnId);
    };
    await ask(other);
    await ask(mine);
    await admin.call("thread/name/set", { threadId: other, name: "secret" });
    await admin.call("thread/archive", { threadId: other });
    await admin.call("thread/delete", { threadId: other });
    await admin.call("thread/name/set", { threadId: mine, name: "shown" });
    await client.until(({ method }) => method === "thread/name/updated");
    expect(client.eventsOf(mine).length).toBeGreaterThan(5);
    expect(JSON.stringify(client.sent)).not.toContain(other);
  });

  test("a thread that moves away is out of reach and out of hearing at once", async () => {
    const id = await thread(inside);
    const client = await scoped({ projects: [inside] });
    await client.call("thread/resume", { threadId: id });
    await admin.call("thread/settings/update", { threadId: id, cwd: outside });
    const before = client.eventsOf(id).length;
    await admin.turnEnded(await admin.startTurn(id, "what can you do?"));
    expect(await said(client.call("thread/read", { threadId: id }))).toContain("not loaded");
    expect(client.eventsOf(id).length).toBe(before);
  });

  test("works in its folders only, by real path", async () => {
    const client = await scoped({ projects: [inside] });
    symlinkSync(outside, join(inside, "link"));
    writeFileSync(join(inside, "mine.txt"), "mine");
    writeFileSync(join(outside, "other.txt"), "other");
    const id = await client.startThread({ cwd: inside });
    const refused: readonly (readonly [string, object])[] = [
      ["thread/start", {}],
      ["thread/start", { cwd: outside }],
      ["thread/start", { cwd: join(inside, "link") }],
      ["thread/start", { cwd: join(inside, "..") }],
      ["thread/start", { cwd: inside, config: { model: "m" } }],
      ["thread/settings/update", { threadId: id, cwd: outside }],
      ["turn/start", { threadId: id, cwd: outside, input: [] }],
      ["turn/start", { threadId: id, input: [{ type: "localImage", path: "/etc/hostname" }] }],
      ["fs/readFile", { path: join(outside, "other.txt") }],
      ["fs/readFile", { path: join(inside, "link", "other.txt") }],
      ["fs/readDirectory", { path: homes.root }],
    ];
    for (const [method, params] of refused) {
      const answer = await said(client.call(method, params));
      expect([params, answer]).toEqual([
        params,
        expect.stringContaining(`it may work in ${inside}`),
      ]);
    }
    await client.call("fs/readFile", { path: join(inside, "mine.txt") });
    for (const method of ["command/exec", "config/read", "command/exec/terminate"]) {
      const params = { command: ["true"], processId: "1" };
      expect(await said(client.call(method, params))).toContain("about the whole host");
    }
  });
});

test("a device for one thread follows and steers it, and makes no other", async () => {
  const [mine, other] = [await thread(inside), await thread(inside)];
  const client = await scoped({ threads: [mine.replaceAll("-", "").toUpperCase()] });
  await client.call("thread/resume", { threadId: mine });
  await client.turnEnded(await client.startTurn(mine, "what can you do?"));
  expect(await said(client.call("thread/read", { threadId: other }))).toContain("not loaded");
  for (const [method, params] of [
    ["thread/start", { cwd: inside }],
    ["thread/fork", { threadId: mine }],
  ] as const) {
    expect(await said(client.call(method, params))).toContain("it has no folder");
  }
});

test("an admin has no scope, and a scope names folders that exist", async () => {
  const { id } = await admin.call("farhelm/token/issue", {
    name: "a",
    role: "admin",
    ttlMs: 60_000,
  });
  const change = (scope: object, more: object = {}): Promise<string> =>
    said(admin.call("farhelm/devices/change", { id, scope, ...more }));
  expect(await change({ projects: [inside] })).toContain("belongs to an admin");
  expect(await change({ projects: ["nowhere"] }, { role: "viewer" })).toContain("does not exist");
  expect(await change({ projects: [inside] }, { role: "viewer" })).toBe("done");
  expect(await said(admin.call("farhelm/devices/change", { id, role: "admin" }))).toContain(
    "belongs to an admin",
  );
});

test("what a client says of itself gives it nothing", async () => {
  const { token } = await admin.call("farhelm/token/issue", {
    name: "v",
    role: "viewer",
    ttlMs: 60_000,
  });
  const headers = { authorization: `Bearer ${String(token)}` };
  const client = await HostClient.opened(
    new WebSocket(host.url.replace("http", "ws"), { headers }),
  );
  const claims = { role: "admin", scope: null, scopes: ["admin"], identity: { id: "local" } };
  await client.call("initialize", {
    clientInfo: { name: "test", version: "1", ...claims },
    capabilities: { experimentalApi: true, ...claims },
    principal: { kind: "local", ...claims },
    ...claims,
  });
  expect(await said(client.call("farhelm/devices/list"))).toContain("this connection has viewer");
});
