import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useHostBench } from "../helpers/host-bench.ts";
import type { HostOptions } from "../../src/cli/host.ts";
import { startPostgresDatabase } from "../helpers/postgres-database.ts";
import type { PostgresTestDatabase } from "../helpers/postgres-database.ts";
import { replyByPrompt } from "../helpers/prompted-model.ts";
import type { Homes, HostClient } from "../helpers/running-host.ts";
import type { Sent } from "../helpers/text-frames.ts";
import { watchFolder } from "../helpers/watched-folder.ts";

let database: PostgresTestDatabase;
beforeAll(async () => {
  database = await startPostgresDatabase();
});
afterAll(() => database.close());
const begin = useHostBench({
  top: 'approval_policy = "on-request"\nsandbox_mode = "read-only"',
});

async function bench(changes: Partial<HostOptions>) {
  const { model, homes, client } = await begin({ changes });
  replyByPrompt(model);
  return { homes, client };
}

/** One turn in which something is asked, which is approved. */
async function approvedTurn(client: HostClient, threadId: string, text: string): Promise<void> {
  const asksBefore = client.sent.filter(isAsk).length;
  const turnId = await client.startTurn(threadId, text);
  await client.until(() => client.sent.filter(isAsk).length > asksBefore);
  client.answer(client.sent.findLast(isAsk)?.id, { decision: "accept" });
  expect((await client.turnEnded(turnId)).params?.["turn"]).toMatchObject({
    status: "completed",
    error: null,
  });
}
const isAsk = ({ id, method }: Sent): boolean =>
  id !== undefined && method?.endsWith("/requestApproval") === true;

/** All of a thread's life. */
async function wholeThread(client: HostClient, homes: Homes): Promise<void> {
  const threadId = await client.startThread({ cwd: homes.cwd });
  await approvedTurn(client, threadId, "run: echo out > ran.txt");
  await approvedTurn(client, threadId, "patch: patched.txt");
  expect(readFileSync(join(homes.cwd, "ran.txt"), "utf8")).toBe("out\n");
  expect(readFileSync(join(homes.cwd, "patched.txt"), "utf8")).toBe("a line of the patch\n");
  const words = await client.startTurn(threadId, "words");
  await client.turnEnded(words);
  await client.call("thread/name/set", { threadId, name: "whole life" });
  await client.call("thread/metadata/update", { threadId, gitInfo: { branch: "next" } });
  client.sendText(
    JSON.stringify({
      id: "keyed",
      method: "thread/inject_items",
      idempotencyKey: "once",
      params: {
        threadId,
        items: [{ type: "message", role: "user", content: [{ type: "input_text", text: "x" }] }],
      },
    }),
  );
  expect(await client.until(({ id }) => id === "keyed")).toMatchObject({ result: {} });
  const { thread } = await client.call("thread/fork", { threadId });
  const forkId = String(Object(thread)["id"]);
  await client.turnEnded(await client.startTurn(forkId, "in the fork"));
  const { data } = await client.call("thread/list", { modelProviders: [] });
  expect(Object(data)).toHaveLength(2);
  await client.call("thread/read", { threadId, includeTurns: true });
  for (const id of [forkId, threadId]) await client.call("thread/archive", { threadId: id });
  await client.call("thread/unarchive", { threadId });
  const resumed = await client.call("thread/resume", { threadId });
  expect(Object(resumed["thread"])).toMatchObject({ name: "whole life", path: null });
  for (const id of [forkId, threadId]) await client.call("thread/delete", { threadId: id });
}

describe("a whole thread without a local store", () => {
  const kinds = ["memory", "postgres"] as const;
  it.each(kinds)(
    "leaves both homes as they were, but for the audit log and the filter of the sandbox (%s)",
    async (store) => {
      const { homes, client } = await bench({ store, databaseUrl: database.url });
      await client.call("thread/list", {});
      const codex = await watchFolder(homes.codexHome);
      const farhelm = await watchFolder(homes.farhelmHome, ["audit", "sandbox"]);
      await wholeThread(client, homes);
      expect({ codex: await codex.changes(), farhelm: await farhelm.changes() }).toEqual({
        codex: [],
        farhelm: [],
      });
      codex.close();
      farhelm.close();
      expect(existsSync(join(homes.codexHome, "sessions"))).toBe(false);
    },
  );

  it("would be noticed in both of them", async () => {
    const { homes, client } = await bench({});
    const codex = await watchFolder(homes.codexHome);
    const farhelm = await watchFolder(homes.farhelmHome, ["audit"]);
    const threadId = await client.startThread({ cwd: homes.cwd });
    await approvedTurn(client, threadId, "patch: patched.txt");
    const [inCodex, inFarhelm] = [await codex.changes(), await farhelm.changes()];
    expect(inCodex.some((path) => path.startsWith("sessions/"))).toBe(true);
    expect(inFarhelm.some((path) => path.startsWith("farhelm.sqlite"))).toBe(true);
    expect(inFarhelm.some((path) => path.startsWith("patches"))).toBe(true);
    codex.close();
    farhelm.close();
  });
});
