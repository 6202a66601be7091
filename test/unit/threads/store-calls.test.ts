import { expect, it } from "vitest";
import { createMemoryStore } from "../../../src/store/memory-store.ts";
import { callTo, createThreadBench, says, turnEnded, usage } from "../../helpers/thread-bench.ts";
import { tick } from "../../helpers/memory-socket.ts";
import { spyStore } from "../../helpers/spy-store.ts";

const query = {
  archived: false,
  cwds: undefined,
  modelProviders: undefined,
  sourceKinds: undefined,
  searchTerm: undefined,
  sectionId: undefined,
  sortKey: "created_at",
  cursor: undefined,
  limit: 20,
  direction: "desc",
} as const;

const forked = {
  includeTurns: true,
  ephemeral: false,
  threadSource: null,
  originator: "test",
  lastTurnId: undefined,
  beforeTurnId: undefined,
};

it("what is done with a thread costs so many calls of the store, and no more", async () => {
  const spy = spyStore(createMemoryStore());
  const bench = createThreadBench({ store: spy.store });
  const costs: Record<string, unknown> = {};
  const done = async (what: string): Promise<void> => {
    await tick();
    costs[what] = spy.counted();
  };

  const { id, outlet } = await bench.thread();
  await done("thread/start");
  bench.model.script.push(says("m1", "hello"));
  await bench.turn(id, "hi");
  await turnEnded(outlet);
  await done("a first turn");
  bench.model.script.push(says("m2", "hello again"));
  await bench.turn(id, "more");
  await turnEnded(outlet, 2);
  await done("another turn");
  bench.tools.set("look", async () => ({ output: "seen" }));
  bench.model.script.push(
    async (sink) => {
      callTo(sink, "look", "call_1");
      return { responseId: null, usage };
    },
    says("m3", "done"),
  );
  await bench.turn(id, "use a tool");
  await turnEnded(outlet, 3);
  await done("a turn with a tool");
  await bench.manager.resume(id, { includeTurns: true });
  await done("a warm resume");
  await bench.manager.read(id, true);
  await done("a read of a loaded thread");
  await bench.manager.list(query);
  await done("a list");
  await bench.manager.fork(id, forked);
  await done("a fork");
  await bench.manager.close();
  await done("the end of two loaded threads");

  const next = bench.restarted();
  await next.read(id, false);
  await done("a read of the record alone");
  await next.resume(id, { includeTurns: true });
  await done("a cold resume");
  await next.close();
  // The section, and the choice that is kept beside the thread.
  const noted = { "notes.readAll": 2 };
  const queueLookedAt = { "notes.read": 1 };
  const readUpTo = { "notes.change": 1 };
  expect(costs).toEqual({
    "thread/start": { create: 1, pathOf: 1 },
    "a first turn": { "writer.append": 5, ...queueLookedAt, ...readUpTo },
    "another turn": { "writer.append": 5, ...queueLookedAt, ...readUpTo },
    "a turn with a tool": { "writer.append": 8, ...queueLookedAt, ...readUpTo },
    "a warm resume": noted,
    "a read of a loaded thread": noted,
    "a list": { list: 1, ...noted },
    // What the source was set to, then what the fork begins with.
    "a fork": { find: 1, load: 2, fork: 1, "notes.read": 2, "notes.readAll": 2 },
    "the end of two loaded threads": { "writer.close": 2 },
    "a read of the record alone": { find: 1, ...noted },
    "a cold resume": { find: 1, open: 1, load: 1, ...noted },
  });
});
