/** Forks while the source is at work, and those that are kept nowhere, over a real host and its homes. */
import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { unasked, useHostBench } from "../helpers/host-bench.ts";
import { answer, messageSteps, say } from "../helpers/mock-model.ts";

const begin = useHostBench({ top: unasked });

async function bench(historyMode: "legacy" | "paginated") {
  const { model, homes, client } = await begin();
  const threadId = await client.startThread({ historyMode });
  model.enqueue(say("answer to q1"));
  await client.turnEnded(await client.startTurn(threadId, "q1"));
  return { model, homes, client, threadId };
}

const seen = (thread: unknown) =>
  [Object(thread).turns].flat().map((turn) => ({
    id: Object(turn).id,
    status: Object(turn).status,
    said: [Object(turn).items].flat().map((item) => Object(item).text ?? Object(item).type),
  }));

describe.each(["legacy", "paginated"] as const)("a fork of a %s thread", (mode) => {
  it("in mid-turn has the history, ends that turn as interrupted, and the model is told", async () => {
    const { client, model, threadId } = await bench(mode);
    let release: (() => void) | undefined;
    const wait = new Promise<void>((resolve) => {
      release = resolve;
    });
    const [added, first, ...later] = messageSteps(["half", " and half"]);
    if (added === undefined || first === undefined) throw new Error("an answer has pieces");
    model.enqueue(answer(added, first, { wait }, ...later));
    const running = await client.startTurn(threadId, "q2");
    await client.until(
      ({ method, params }) =>
        method === "item/agentMessage/delta" && params?.["turnId"] === running,
    );

    const { thread } = await client.call("thread/fork", { threadId });
    const { id: fork, path } = Object(thread);
    const copied = seen(thread);
    expect(copied.map(({ status, said }) => [status, said])).toEqual([
      ["completed", ["userMessage", "answer to q1"]],
      ["interrupted", ["userMessage"]],
    ]);
    expect(copied[1]?.id).toBe(running);
    const started = await client.until(
      ({ method, params }) => method === "thread/started" && Object(params?.["thread"]).id === fork,
    );
    expect(Object(started.params?.["thread"])).toMatchObject({
      turns: [],
      forkedFromId: threadId,
      preview: "q1",
    });
    const marks = readFileSync(String(path), "utf8")
      .split("\n")
      .filter((line) => line.includes('"type":"turn_aborted"'))
      .map((line) => JSON.parse(line).payload);
    expect(marks).toMatchObject([{ turn_id: running, reason: "interrupted" }]);

    model.enqueue(say("answer to q3"));
    await client.turnEnded(await client.startTurn(String(fork), "q3"));
    const told = JSON.stringify(model.requests.at(-1)?.body["input"]);
    expect(told.indexOf("<turn_aborted>")).toBeGreaterThan(told.indexOf('"q2"'));
    expect(told.indexOf('"q3"')).toBeGreaterThan(told.indexOf("<turn_aborted>"));

    release?.();
    await client.turnEnded(running);
    const source = await client.call("thread/read", { threadId, includeTurns: true });
    expect(seen(source["thread"]).map(({ status, said }) => [status, said])).toEqual([
      ["completed", ["userMessage", "answer to q1"]],
      ["completed", ["userMessage", "half and half"]],
    ]);
  });

  it("that is ephemeral leaves no file, not even after a turn of its own", async () => {
    const { client, homes, model, threadId } = await bench(mode);
    const files = (): readonly string[] =>
      readdirSync(homes.root, { recursive: true, encoding: "utf8" })
        .filter((name) => !/-(?:wal|shm|journal)$/.test(name))
        .toSorted();
    const before = files();
    const { thread } = await client.call("thread/fork", {
      threadId,
      ephemeral: true,
      excludeTurns: true,
    });
    const { id, path, ephemeral } = Object(thread);
    expect({ path, ephemeral }).toEqual({ path: null, ephemeral: true });
    model.enqueue(say("answer to q2"));
    await client.turnEnded(await client.startTurn(String(id), "q2"));
    expect(JSON.stringify(model.requests.at(-1)?.body["input"])).toContain("answer to q1");
    expect(files()).toEqual(before);
    const { data } = await client.call("thread/list", {});
    expect([data].flat().map((row) => Object(row).id)).toEqual([threadId]);
  });
});
