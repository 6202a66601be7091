/** What the calls about a thread's life take, answer and refuse, over a real host and its homes. */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { HostBench } from "../helpers/host-bench.ts";
import { unasked, useHostBench } from "../helpers/host-bench.ts";
import { say } from "../helpers/mock-model.ts";
import { HostClient, startOn, stop } from "../helpers/running-host.ts";

const second = (baseUrl: string): string => `
[model_providers.second]
name = "Second"
base_url = "${baseUrl}"
wire_api = "responses"
`;

const bench = useHostBench({ top: unasked, tables: second });

async function turn({ model, client }: HostBench, threadId: unknown, text: string): Promise<void> {
  model.enqueue(say(`answer to ${text}`));
  const from = client.sent.length;
  await client.call("turn/start", { threadId, input: [{ type: "text", text }] });
  await client.until(() =>
    client.sent
      .slice(from)
      .some(
        ({ method, params }) => method === "turn/completed" && params?.["threadId"] === threadId,
      ),
  );
}

async function thread(on: HostBench, params: object = {}, texts: readonly string[] = ["q"]) {
  const started = await on.client.call("thread/start", params);
  const { id, path } = Object(started["thread"]);
  for (const text of texts) await turn(on, id, text);
  return { id: String(id), path: String(path) };
}

const refusalOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return "not refused";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

const previewsIn = (answer: Readonly<Record<string, unknown>>): readonly unknown[] =>
  [answer["data"]].flat().map((row) => Object(row).preview);

const modelOf = ({
  model,
  modelProvider,
  reasoningEffort,
  approvalPolicy,
}: Readonly<Record<string, unknown>>) => ({
  model,
  modelProvider,
  reasoningEffort,
  approvalPolicy,
});

describe("thread/list", () => {
  it("filters by folder however it is spelled, by exclusion and by kind", async () => {
    const on = await bench();
    const { client, homes } = on;
    const one = await thread(on, {}, ["one"]);
    await thread(on, { cwd: "/tmp" }, ["two"]);
    const list = async (params: object) => previewsIn(await client.call("thread/list", params));
    expect(await list({ cwd: `${homes.cwd}/` })).toEqual(["one"]);
    expect(await list({ cwd: "." })).toEqual(["one"]);
    expect(await list({ cwd: [`${homes.cwd}/x/..`, "/tmp"] })).toEqual(["two", "one"]);
    expect(await list({ cwd: [] })).toEqual([]);
    expect(await list({ excludedThreadIds: [one.id] })).toEqual(["two"]);
    expect(await list({ sourceKinds: ["exec", "subAgent"] })).toEqual([]);
    expect(await list({ sourceKinds: ["vscode"] })).toEqual(["two", "one"]);
    expect(await list({ parentThreadId: one.id })).toEqual([]);
    expect(await list({ currentAccountOnly: true, useStateDbOnly: true })).toEqual(["two", "one"]);
  });

  it("refuses what cannot be together, and what only a hosted service knows", async () => {
    const { client } = await bench();
    const id = "00000000-0000-7000-8000-000000000000";
    const refused = (params: object) => refusalOf(client.call("thread/list", params));
    expect(await refused({ parentThreadId: id, ancestorThreadId: id })).toContain(
      "parentThreadId and ancestorThreadId are mutually exclusive",
    );
    expect(await refused({ attachedToThreadId: id, parentThreadId: id })).toContain(
      "attachedToThreadId cannot be combined with parentThreadId or ancestorThreadId",
    );
    expect(await refused({ includeAttachedThreads: true })).toContain(
      "includeAttachedThreads requires a non-empty searchTerm",
    );
    expect(await refused({ originators: ["x"] })).toContain(
      "originator filtering is not supported by the local app-server",
    );
    expect(await refused({ excludedThreadIds: Array.from({ length: 101 }, () => id) })).toContain(
      "excludedThreadIds accepts at most 100 entries",
    );
    expect(await refused({ projectId: "p" })).toContain("project not found: p");
    expect(await refused({ sourceKinds: ["nobody"] })).toContain("Invalid request: ");
    expect(await refused({ limit: 2 ** 32 })).toContain("Invalid request: ");
    expect(await refused({ useStateDbOnly: null })).toContain("Invalid request: ");
  });
});

describe("thread/resume", () => {
  const stored = { model: "m", modelProvider: "second", reasoningEffort: "high" };
  const configured = { model: "mock-model", modelProvider: "mock", reasoningEffort: null };

  it.each([
    ["nothing", {}, stored],
    ["a folder and a sandbox", { cwd: "/tmp", sandbox: "read-only" }, stored],
    ["config.model_provider", { config: { model_provider: "mock" } }, stored],
    ["model", { model: "other" }, { ...configured, model: "other" }],
    ["modelProvider", { modelProvider: "second" }, { ...configured, modelProvider: "second" }],
    ["config.model", { config: { model: "other" } }, { ...configured, model: "other" }],
    [
      "config.model_reasoning_effort",
      { config: { model_reasoning_effort: "low" } },
      { ...configured, reasoningEffort: "low" },
    ],
  ])("that names %s", async (_name, params, expected) => {
    const on = await bench();
    const start = { model: "m", modelProvider: "second", approvalPolicy: "on-request" };
    const { id } = await thread(on, { ...start, config: { model_reasoning_effort: "high" } });
    await stop(on.host);
    await startOn(on.homes);
    const client = await HostClient.connect(on.homes);
    const answer = await client.call("thread/resume", { threadId: id, ...params });
    expect(modelOf(answer)).toEqual({ ...expected, approvalPolicy: "on-request" });
  });

  it("of a thread in memory changes nothing, but for what can never be right", async () => {
    const on = await bench();
    const { id } = await thread(on);
    const answer = await on.client.call("thread/resume", {
      threadId: id,
      model: "other",
      modelProvider: "nobody",
      cwd: "/tmp",
      config: { sandbox_mode: "nonsense" },
      excludeTurns: true,
      initialTurnsPage: { limit: 1, itemsView: "full" },
    });
    expect(answer).toMatchObject({ model: "mock-model", modelProvider: "mock", cwd: on.homes.cwd });
    expect(Object(answer["thread"]).turns).toEqual([]);
    expect(Object(answer["initialTurnsPage"]).data).toHaveLength(1);
    const both = { threadId: id, permissions: ":workspace", sandbox: "read-only" };
    expect(await refusalOf(on.client.call("thread/resume", both))).toContain(
      "`permissions` cannot be combined with `sandbox`",
    );
    const history = { threadId: id, history: [{ type: "message" }] };
    expect(await refusalOf(on.client.call("thread/resume", history))).toContain(
      `cannot resume thread ${id} with history while it is already running`,
    );
  });
});

describe("thread/fork", () => {
  it("begins under the configured model, and says its turns' usage only with its turns", async () => {
    const on = await bench();
    const { client } = on;
    const { id } = await thread(on, { model: "m", modelProvider: "second" }, ["one", "two"]);
    const seen = async (params: object) => {
      const from = client.sent.length;
      const answer = await client.call("thread/fork", { threadId: id, ...params });
      await client.call("thread/loaded/list", {});
      const fork = Object(answer["thread"]);
      const flow = client.sent.slice(from).flatMap(({ method }) => method ?? []);
      return { ...modelOf(answer), turns: fork.turns.length, from: fork.forkedFromId, flow };
    };
    const configured = { model: "mock-model", modelProvider: "mock", from: id };
    expect(await seen({})).toMatchObject({
      ...configured,
      turns: 2,
      flow: ["thread/tokenUsage/updated", "thread/started"],
    });
    for (const ephemeral of [false, true]) {
      expect(await seen({ excludeTurns: true, ephemeral })).toMatchObject({
        ...configured,
        turns: 0,
        flow: ["thread/started"],
      });
    }
    const prediction = { experimentalPredictionMode: true, ephemeral: true, excludeTurns: true };
    expect(await seen(prediction)).toMatchObject({ model: "m", modelProvider: "second" });
    const refused = (params: object) =>
      refusalOf(client.call("thread/fork", { threadId: id, ...params }));
    expect(await refused({ lastTurnId: "" })).toContain("turn not found: ");
    expect(await refused({ lastTurnId: "a", beforeTurnId: "b" })).toContain(
      "`beforeTurnId` cannot be combined with `lastTurnId`",
    );
    expect(await refused({ ephemeral: true })).toContain(
      "ephemeral paginated thread/fork requires `excludeTurns: true`",
    );
    expect(await refused({ experimentalPredictionMode: true })).toContain(
      "`experimentalPredictionMode` requires `ephemeral: true`",
    );
  });
});

it("has nothing to make shorter before anything was said", async () => {
  const { client, model } = await bench();
  const id = await client.startThread();
  await client.call("thread/compact/start", { threadId: id });
  await client.call("thread/loaded/list");
  expect(client.eventsOf(id)).toEqual([]);
  expect(model.requests).toEqual([]);
});

describe("a thread that is put away", () => {
  it("can be taken back, also where nothing was said in it", async () => {
    const { client } = await bench();
    const id = await client.startThread();
    await client.call("thread/archive", { threadId: id });
    expect((await client.call("thread/read", { threadId: id }))["thread"]).toMatchObject({
      id,
      status: { type: "notLoaded" },
    });
    expect(await refusalOf(client.call("thread/resume", { threadId: id }))).toContain(
      `session ${id} is archived. Run`,
    );
    await client.call("thread/unarchive", { threadId: id });
    expect((await client.call("thread/resume", { threadId: id }))["thread"]).toMatchObject({ id });
  });

  it("has no goal, queue, timeline or memory that a client may touch", async () => {
    const on = await bench();
    const { id } = await thread(on);
    const { client } = on;
    await client.call("thread/archive", { threadId: id });
    const refused = (method: string, params: object = {}) =>
      refusalOf(client.call(method, { threadId: id, ...params }));
    for (const method of ["thread/goal/get", "thread/goal/clear", "thread/goal/set"]) {
      expect(await refused(method, { objective: "" })).toBe(`-32600 thread not found: ${id}`);
    }
    for (const [method, params] of [
      ["thread/queue/list", {}],
      ["thread/queue/add", { input: [], clientUserMessageId: "m" }],
      ["thread/queue/start", {}],
      ["thread/queue/delete", { queuedSubmissionId: "m" }],
    ] as const) {
      expect(await refused(method, params)).toContain(`session ${id} is archived. Run`);
    }
    expect(await refused("thread/timeline/list")).toBe(`-32600 thread ${id} is archived`);
    expect(await refused("thread/memoryMode/set", { mode: "disabled" })).toBe(
      `-32600 no rollout found for thread id ${id}`,
    );
  });
});

describe("archive, unarchive, delete and names", () => {
  it("refuse what has been done already, and what is kept nowhere", async () => {
    const on = await bench();
    const { client } = on;
    const { id } = await thread(on);
    const { id: passing } = Object(
      (await client.call("thread/start", { ephemeral: true }))["thread"],
    );
    const refused = (method: string, params: object) => refusalOf(client.call(method, params));
    await client.call("thread/archive", { threadId: id });
    expect(await refused("thread/archive", { threadId: id })).toContain(
      `no rollout found for thread id ${id}`,
    );
    expect(await refused("thread/name/set", { threadId: id, name: "n" })).toContain(
      `no rollout found for thread id ${id}`,
    );
    await client.call("thread/unarchive", { threadId: id });
    expect(await refused("thread/unarchive", { threadId: id })).toContain(
      `no archived rollout found for thread id ${id}`,
    );
    expect(await refused("thread/delete", { threadId: passing })).toContain(
      `thread is not persisted and cannot be deleted: ${passing}`,
    );
    expect((await client.call("thread/loaded/list", {}))["data"]).toEqual([passing]);
  });

  it("a repository that was named before the first turn is there after a restart", async () => {
    const on = await bench();
    const { id } = await thread(on, {}, []);
    await on.client.call("thread/metadata/update", { threadId: id, gitInfo: { branch: "b" } });
    await stop(on.host);
    await startOn(on.homes);
    const client = await HostClient.connect(on.homes);
    const { gitInfo } = Object((await client.call("thread/read", { threadId: id }))["thread"]);
    expect(gitInfo).toEqual({ sha: null, branch: "b", originUrl: null });
  });
});

describe("pages of items", () => {
  it("go on behind an item of a turn, and need its turn", async () => {
    const on = await bench();
    const { id } = await thread(on, {}, ["one", "two"]);
    const { data } = await on.client.call("thread/items/list", { threadId: id });
    const entries = [data].flat().map((entry) => Object(entry));
    const { turnId, item } = entries[0];
    const cursor = { type: "item", itemId: item.id };
    const page = await on.client.call("thread/items/list", { threadId: id, turnId, cursor });
    expect(page["data"]).toEqual([entries[1]]);
    const refused = (params: object) =>
      refusalOf(on.client.call("thread/items/list", { threadId: id, ...params }));
    expect(await refused({ cursor })).toContain("turnId is required when cursor is an item anchor");
    expect(await refused({ cursor, turnId: entries[2].turnId })).toContain(
      "cursor.itemId does not identify an item in the requested history scope",
    );
  });
});

const chosen = (answer: Readonly<Record<string, unknown>>): unknown =>
  Object(answer["thread"]).daybreakEnabled;

it("a thread whose file names no provider has the configured one", async () => {
  const on = await bench();
  const { id, path } = await thread(on);
  const other = "019a0000-0000-7000-8000-000000000001";
  const file = path.replaceAll(id, other);
  const text = readFileSync(path, "utf8").replaceAll(id, other);
  expect(text).toContain('"model_provider":"mock"');
  writeFileSync(file, text.replaceAll('"model_provider":"mock",', ""));
  const seen = async (method: string) => {
    const { modelProvider } = Object((await on.client.call(method, { threadId: other }))["thread"]);
    return modelProvider;
  };
  expect(await seen("thread/read")).toBe("mock");
  const { data } = await on.client.call("thread/list", {});
  expect([data].flat().map((row) => Object(row).id)).toContain(other);
  expect(await seen("thread/resume")).toBe("mock");
});

describe("the choice that clients keep with a thread", () => {
  it("is stored at the start or later, shown everywhere, and goes with a fork", async () => {
    const on = await bench();
    const { client } = on;
    const update = async (params: object) =>
      chosen(await client.call("thread/metadata/update", params));
    const start = await client.call("thread/start", { daybreakEnabled: true });
    const { id } = Object(start["thread"]);
    const told = await client.until(({ method }) => method === "thread/started");
    expect([chosen(start), chosen(Object(told.params))]).toEqual([true, true]);
    await turn(on, id, "q");
    const fork = await client.call("thread/fork", { threadId: id });
    expect(chosen(fork)).toBe(true);
    expect(await update({ threadId: id, daybreakEnabled: false })).toBe(false);
    const both = { threadId: id, daybreakEnabled: true, gitInfo: { branch: "b" } };
    expect(await update(both)).toBe(true);
    expect(await update({ threadId: id, gitInfo: { branch: "c" } })).toBe(true);
    const other = await thread(on);
    await stop(on.host);
    await startOn(on.homes);
    const again = await HostClient.connect(on.homes);
    const { data } = await again.call("thread/list", {});
    const rows = new Map([data].flat().map((row) => [Object(row).id, Object(row).daybreakEnabled]));
    expect([rows.get(id), rows.get(other.id)]).toEqual([true, null]);
    expect(chosen(await again.call("thread/resume", { threadId: id }))).toBe(true);
    expect(chosen(await again.call("thread/read", { threadId: other.id }))).toBe(null);
    const refused = (params: object) => refusalOf(again.call("thread/metadata/update", params));
    expect(await refused({ threadId: id, daybreakEnabled: null })).toContain(
      "thread metadata update must include at least one field",
    );
    const unknown = "019a0000-0000-7000-8000-000000000099";
    expect(await refused({ threadId: unknown, daybreakEnabled: true })).toContain(
      `thread not found: ${unknown}`,
    );
    const passing = await again.startThread({ ephemeral: true });
    expect(await refused({ threadId: passing, daybreakEnabled: true })).toContain(
      `ephemeral thread does not support metadata updates: ${passing}`,
    );
  });
});
