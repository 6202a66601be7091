import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { MockModel } from "../helpers/mock-model.ts";
import { say, startMockModel } from "../helpers/mock-model.ts";
import {
  HostClient,
  configFor,
  startOn,
  stopHosts,
  temporaryHomes,
} from "../helpers/running-host.ts";

const models = new Set<MockModel>();
afterEach(async () => {
  await stopHosts();
  for (const model of models) await model.close();
  models.clear();
});

const nobody = "00000000-0000-4000-8000-000000000000";

async function bench() {
  const model = await startMockModel();
  models.add(model);
  const homes = temporaryHomes(configFor(model.baseUrl, 'approval_policy = "never"'));
  const host = await startOn(homes);
  const client = await HostClient.connect(homes);
  const thread = async (params: object = {}): Promise<string> => {
    const started = await client.call("thread/start", { cwd: homes.cwd, ...params });
    return String(Object(started["thread"]).id);
  };
  /** A turn to its end; its id. */
  const turn = async (threadId: string, text: string, reply: string): Promise<string> => {
    model.enqueue(say(reply));
    const input = [{ type: "text", text, text_elements: [] }];
    const started = await client.call("turn/start", { threadId, input });
    const id = String(Object(started["turn"]).id);
    await client.until(
      ({ method, params }) => method === "turn/completed" && Object(params?.["turn"]).id === id,
    );
    return id;
  };
  return { model, homes, host, client, thread, turn };
}

describe("memories", () => {
  it("of a thread can be forbidden, also before anything was said in it", async () => {
    const { client, thread } = await bench();
    const threadId = await thread();
    for (const mode of ["disabled", "enabled"]) {
      expect(await client.call("thread/memoryMode/set", { threadId, mode })).toEqual({});
    }
    await expect(
      client.call("thread/memoryMode/set", { threadId: nobody, mode: "enabled" }),
    ).rejects.toThrow(`-32600 no rollout found for thread id ${nobody}`);
    const ephemeral = await thread({ ephemeral: true });
    await expect(
      client.call("thread/memoryMode/set", { threadId: ephemeral, mode: "enabled" }),
    ).rejects.toThrow(`ephemeral thread does not support metadata updates: ${ephemeral}`);
    expect(await client.call("thread/memory/read", { threadId })).toEqual({ summary: null });
    await expect(client.call("thread/memory/read", { threadId: nobody })).rejects.toThrow(
      `thread not found: ${nobody}`,
    );
  });

  it("are made of no thread here", async () => {
    const { client } = await bench();
    expect(await client.call("memory/status", {})).toEqual({
      v2ConsolidatedThreads: 0,
      v2Ready: false,
    });
    await expect(client.call("memory/status", { minConsolidatedThreads: 4097 })).rejects.toThrow(
      "-32602 minConsolidatedThreads must be between 1 and 4096",
    );
  });

  it("are removed from the Codex home, but nothing behind a link", async () => {
    const { client, homes } = await bench();
    expect(await client.call("memory/reset")).toEqual({});
    const folder = join(homes.codexHome, "memories");
    mkdirSync(join(folder, "deep"), { recursive: true });
    writeFileSync(join(folder, "deep", "one.md"), "x");
    const other = join(homes.root, "other");
    mkdirSync(other);
    writeFileSync(join(other, "kept.md"), "x");
    symlinkSync(other, join(folder, "link"));
    expect(await client.call("memory/reset")).toEqual({});
    expect(readdirSync(folder)).toEqual([]);
    expect(readdirSync(other)).toEqual(["kept.md"]);
  });
});
