/** What people choose for turns to come beside model, folder and permissions, over a real host and its restart. */
import { afterEach, expect, it } from "vitest";
import type { MockModel } from "../helpers/mock-model.ts";
import { say, startMockModel } from "../helpers/mock-model.ts";
import {
  HostClient,
  configFor,
  startOn,
  stop,
  stopHosts,
  temporaryHomes,
} from "../helpers/running-host.ts";

const models = new Set<MockModel>();
afterEach(async () => {
  await stopHosts();
  for (const model of models) await model.close();
  models.clear();
});

async function bench() {
  const model = await startMockModel();
  models.add(model);
  const top = 'approval_policy = "never"\nsandbox_mode = "danger-full-access"';
  const homes = temporaryHomes(configFor(model.baseUrl, top));
  const host = await startOn(homes);
  return { model, homes, host, client: await HostClient.connect(homes) };
}

async function turn(client: HostClient, model: MockModel, params: object): Promise<object> {
  model.enqueue(say("yes"));
  const input = [{ type: "text", text: "go" }];
  const { turn: begun } = await client.call("turn/start", { input, ...params });
  await client.turnEnded(Object(begun).id);
  return Object(model.requests.at(-1)?.body);
}

const modesIn = (body: object): readonly string[] =>
  [Object(body).input]
    .flat()
    .filter(({ role }) => role === "developer")
    .map(({ content }) => String(Object([content].flat()[0]).text))
    .filter((text) => text.startsWith("<collaboration_mode>"));

it("are told, kept over a restart, taken along by a fork, and reach the model", async () => {
  const on = await bench();
  const { client, model } = on;
  const threadId = await client.startThread();
  expect(Object(await turn(client, model, { threadId })).service_tier).toBeUndefined();
  await client.call("thread/settings/update", {
    threadId,
    serviceTier: "flex",
    personality: "friendly",
    disabledPluginIds: ["b", "a"],
    effort: "high",
    collaborationMode: {
      mode: "plan",
      settings: { model: "planner", developer_instructions: "PLAN IT" },
    },
  });
  const told = await client.until(({ method }) => method === "thread/settings/updated");
  expect(told.params).toMatchObject({
    threadSettings: {
      serviceTier: "flex",
      personality: "friendly",
      disabledPluginIds: ["b", "a"],
      model: "planner",
      // a mode that names no effort asks for the model's own
      effort: null,
      collaborationMode: {
        mode: "plan",
        settings: { model: "planner", reasoning_effort: null, developer_instructions: "PLAN IT" },
      },
    },
  });
  const asked = await turn(client, model, { threadId });
  expect(asked).toMatchObject({ model: "planner", service_tier: "flex" });
  expect(modesIn(asked)).toEqual(["<collaboration_mode>PLAN IT</collaboration_mode>"]);
  const once = await turn(client, model, { threadId, serviceTierForTurn: "default" });
  expect(Object(once).service_tier).toBeUndefined();
  expect(modesIn(once)).toHaveLength(1);

  await stop(on.host);
  await startOn(on.homes);
  const again = await HostClient.connect(on.homes);
  const kept = { serviceTier: "flex", disabledPluginIds: ["b", "a"] };
  expect(await again.call("thread/resume", { threadId })).toMatchObject({
    ...kept,
    collaborationMode: { mode: "plan", settings: { developer_instructions: "PLAN IT" } },
  });
  expect(await again.call("thread/fork", { threadId, excludeTurns: true })).toMatchObject(kept);
  const fast = { threadId, serviceTier: "fast" };
  expect(Object(await turn(again, model, fast)).service_tier).toBeUndefined();
  expect(await again.call("thread/resume", { threadId })).toMatchObject({ serviceTier: null });
  const standard = { mode: "default", settings: { model: "mock-model" } };
  const last = await turn(again, model, { threadId, collaborationMode: standard });
  expect(modesIn(last)).toHaveLength(2);
  expect(modesIn(last)[1]).toContain("# Default mode");
});

it("are none for threads of programs: nobody is told what is unread in them", async () => {
  const { client, model } = await bench();
  const threadId = await client.startThread({ threadSource: "automation" });
  const mine = await client.startThread();
  await turn(client, model, { threadId });
  await turn(client, model, { threadId: mine });
  expect((await client.call("thread/read", { threadId }))["readState"]).toBeNull();
  const { readStates } = await client.call("thread/list");
  expect(Object.keys(Object(readStates))).toEqual([mine]);
  const told = client.sent.filter(({ method }) => method === "thread/readState/changed");
  expect(told.map(({ params }) => params?.["threadId"])).toEqual([mine]);
});

it("of a thread whose turns go: what was unread is gone with them", async () => {
  const { client, model } = await bench();
  const threadId = await client.startThread();
  await turn(client, model, { threadId });
  const [first] = [(await client.call("thread/turns/list", { threadId }))["data"]].flat();
  const { section } = await client.call("threadSection/create", { name: "S" });
  await client.call("thread/section/move", { threadId, sectionId: Object(section).id });
  await client.call("thread/metadata/update", { threadId, daybreakEnabled: true });
  const answer = await client.call("thread/revert", {
    threadId,
    beforeTurnId: Object(first).id,
  });
  expect(answer["thread"]).toMatchObject({ daybreakEnabled: true, section: { name: "S" } });
  const { readState } = await client.call("thread/read", { threadId });
  expect(readState).toMatchObject({ firstUnread: null });
  const told = client.sent.filter(({ method }) => method === "thread/readState/changed");
  expect(told.at(-1)?.params).toEqual({ threadId, readState });
});

it("ask for no turns, and are told the goal but not what the turns cost", async () => {
  const { client, model, homes } = await bench();
  const threadId = await client.startThread();
  await turn(client, model, { threadId });
  const other = await HostClient.connect(homes);
  const about = (): readonly unknown[] => other.eventsOf(threadId).map(({ method }) => method);
  await other.call("thread/resume", { threadId, excludeTurns: true });
  await other.call("thread/loaded/list");
  expect(about()).not.toContain("thread/tokenUsage/updated");
  await other.call("thread/resume", { threadId });
  await other.until(({ method }) => method === "thread/tokenUsage/updated");
});
