import { describe, expect, it } from "vitest";
import { useHostBench } from "../helpers/host-bench.ts";
import { HostClient, startOn, stop } from "../helpers/running-host.ts";

const bench = useHostBench();

const threadIn = ({ thread }: Readonly<Record<string, unknown>>) => Object(thread);
const nobody = "0199a213-81a0-7000-8000-00000000000f";

/** A stored thread: its id and its file. */
async function spokenThread(client: HostClient, text: string) {
  const started = threadIn(await client.call("thread/start", { cwd: "/tmp" }));
  await client.turnEnded(await client.startTurn(started.id, text));
  return { id: String(started.id), path: String(started.path) };
}

describe("a thread that is named by the path of its rollout", () => {
  it("is resumed, cold and in memory, and forked, whatever the id beside it", async () => {
    const { homes, host, client } = await bench();
    const one = await spokenThread(client, "one");
    await stop(host);
    await startOn(homes);
    const again = await HostClient.connect(homes);
    for (const threadId of [nobody, "x", one.id]) {
      const resumed = await again.call("thread/resume", { threadId, path: one.path });
      expect(threadIn(resumed)).toMatchObject({ id: one.id, preview: "one", path: one.path });
    }
    expect(threadIn(await again.call("thread/resume", { threadId: one.id, path: "" })).id).toBe(
      one.id,
    );
    for (const threadId of [nobody, "x"]) {
      const forked = await again.call("thread/fork", { threadId, path: one.path });
      expect(threadIn(forked)).toMatchObject({ forkedFromId: one.id, preview: "one" });
    }
    await again.call("thread/archive", { threadId: one.id });
    const [archived] = Object(
      (await again.call("thread/list", { archived: true, modelProviders: [] }))["data"],
    );
    for (const method of ["thread/resume", "thread/fork"]) {
      await expect(again.call(method, { threadId: nobody, path: archived.path })).rejects.toThrow(
        `-32600 session ${one.id} is archived.`,
      );
    }
  });

  it("must be the one in memory, where the id is of such a thread", async () => {
    const { client } = await bench();
    const [one, two] = [await spokenThread(client, "one"), await spokenThread(client, "two")];
    for (const path of [two.path, "sessions/none.jsonl", "/etc/passwd"]) {
      await expect(client.call("thread/resume", { threadId: one.id, path })).rejects.toThrow(
        `-32600 cannot resume running thread ${one.id} with stale path: requested \`${path}\`, active \`${one.path}\``,
      );
    }
    const forked = await client.call("thread/fork", { threadId: one.id, path: two.path });
    expect(threadIn(forked)).toMatchObject({ forkedFromId: two.id });
  });

  it("has to be in the sessions folders", async () => {
    const { homes, client } = await bench();
    for (const method of ["thread/resume", "thread/fork"]) {
      const named = (path: string) => client.call(method, { threadId: nobody, path });
      await expect(named("sessions/none.jsonl")).rejects.toThrow(
        `-32600 failed to resolve rollout path \`${homes.codexHome}/sessions/none.jsonl\`: file does not exist`,
      );
      await expect(named("/etc/passwd")).rejects.toThrow(
        "-32600 rollout path `/etc/passwd` must be in Codex home directory",
      );
    }
  });

  it("is refused where threads are no files", async () => {
    const { client } = await bench({ changes: { store: "memory" } });
    const started = threadIn(await client.call("thread/start", { cwd: "/tmp" }));
    await client.turnEnded(await client.startTurn(started.id, "hello"));
    for (const method of ["thread/resume", "thread/fork"]) {
      for (const threadId of [nobody, started.id]) {
        await expect(client.call(method, { threadId, path: "/tmp/x.jsonl" })).rejects.toThrow(
          "-32600 failed to resolve rollout path `/tmp/x.jsonl`: this host keeps its threads in no files. Name the thread by its id.",
        );
      }
    }
  });
});
