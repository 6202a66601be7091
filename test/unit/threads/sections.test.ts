import { describe, expect, it } from "vitest";
import { ThreadId } from "../../../src/protocol/ids.ts";
import type { Threads } from "../../../src/threads/port.ts";
import { tick } from "../../helpers/memory-socket.ts";
import { createThreadBench, saidThread, wireErrorOf } from "../../helpers/thread-bench.ts";

const pinned = {
  id: "01984de2-8f74-7c91-a3b2-5c5e937cf318",
  name: "Pinned",
  appearance: null,
};

const wrong = (message: string) => ({ code: -32600, message });
const param = (message: string) => ({ code: -32602, message });

const order = async (threads: Threads, sectionId: string) => {
  const page = await threads.list({
    archived: false,
    cwds: undefined,
    modelProviders: undefined,
    sourceKinds: undefined,
    searchTerm: undefined,
    sectionId,
    sortKey: "section_position",
    cursor: undefined,
    limit: 100,
    direction: "desc",
  });
  return page.data.map(({ preview }) => preview);
};

describe("a section", () => {
  it("is there until it is deleted, behind the pinned one", async () => {
    const bench = createThreadBench();
    const { sections } = bench.manager;
    const one = await sections.create({ name: "One" });
    const two = await sections.create({ name: "Two", appearance: { icon: "x", color: null } });
    expect(await sections.list({ after: "", limit: 2 })).toEqual({
      data: [pinned, one],
      nextCursor: one.id,
    });
    expect(await sections.update(two.id, { name: "Zwei" })).toEqual({ ...two, name: "Zwei" });
    expect(await sections.update(two.id, { name: "Zwei", appearance: null })).toEqual({
      id: two.id,
      name: "Zwei",
      appearance: null,
    });
    await sections.delete(one.id);
    const rest = await bench.restarted().sections.list({ after: pinned.id, limit: 9 });
    expect(rest.data.map(({ name }) => name)).toEqual(["Zwei"]);
  });

  it("holds threads in the order that people gave them", async () => {
    const bench = createThreadBench();
    const threads = bench.manager;
    const { sections } = threads;
    const [a, b, c] = [
      await saidThread(bench, "a"),
      await saidThread(bench, "b"),
      await saidThread(bench, "c"),
    ];
    const { id } = await sections.create({ name: "One" });
    a.outlet.pushed.length = 0;
    for (const thread of [a, b, c]) (await sections.move(thread.id, id, undefined)).announce();
    await tick();
    expect(a.outlet.sent.map(({ method, params }) => [method, params])).toEqual(
      [a, b, c].map((thread) => ["thread/section/changed", { threadId: thread.id, sectionId: id }]),
    );
    expect(await order(threads, id)).toEqual(["a", "b", "c"]);
    await sections.move(c.id, id, a.id);
    expect(await order(threads, id)).toEqual(["c", "a", "b"]);
    await sections.move(c.id, id, undefined);
    expect(await order(threads, id)).toEqual(["a", "b", "c"]);
    // each move halves the room in front of b: it runs out, and is made anew
    for (let round = 0; round < 30; round += 1) {
      const [first, second] = round % 2 ? [a, c] : [c, a];
      await sections.move(first.id, id, b.id);
      await sections.move(second.id, id, b.id);
      expect(await order(threads, id)).toEqual(round % 2 ? ["a", "c", "b"] : ["c", "a", "b"]);
    }
  });

  it("shows in its threads, loaded or not, and no more when it is deleted", async () => {
    const bench = createThreadBench();
    const { id } = await saidThread(bench, "a");
    const section = await bench.manager.sections.create({ name: "One" });
    await bench.manager.sections.move(id, section.id, undefined);
    const read = await bench.manager.read(id, false);
    expect(read).toMatchObject({ section, sectionEnteredAt: expect.any(Number) });
    await bench.manager.sections.update(section.id, { name: "Uno" });
    const later = await bench.restarted().read(id, false);
    expect(later).toMatchObject({
      section: { ...section, name: "Uno" },
      sectionEnteredAt: read.sectionEnteredAt,
    });
    await bench.manager.sections.delete(section.id);
    expect(await bench.manager.read(id, false)).toMatchObject({
      section: null,
      sectionEnteredAt: null,
    });
    expect(await order(bench.manager, section.id)).toEqual([]);
  });

  it("takes a thread in which nothing was said yet, which is kept from then on", async () => {
    const bench = createThreadBench();
    const { id } = await bench.thread();
    expect(await bench.held.store.find(id)).toBeUndefined();
    await bench.manager.sections.move(id, pinned.id, undefined);
    expect(await bench.restarted().read(id, false)).toMatchObject({ id, section: pinned });
  });

  it("is refused with a reason", async () => {
    const bench = createThreadBench();
    const { sections } = bench.manager;
    const { id } = await saidThread(bench, "a");
    const passing = await bench.thread({ ephemeral: true });
    const unknown = ThreadId.parse("00000000-0000-4000-8000-000000000000");
    const move = (...words: Parameters<typeof sections.move>) =>
      wireErrorOf(sections.move(...words));
    expect(await move(unknown, pinned.id, undefined)).toEqual(
      wrong(`thread not found: ${unknown}`),
    );
    expect(await move(unknown, null, undefined)).toEqual(wrong(`thread not found: ${unknown}`));
    expect(await move(passing.id, pinned.id, undefined)).toEqual(
      wrong(`ephemeral thread does not support section moves: ${passing.id}`),
    );
    expect(await move(id, "zz", undefined)).toEqual(wrong("section zz does not exist"));
    expect(await move(id, pinned.id, unknown)).toEqual(
      wrong(`before thread ${unknown} is not in section ${pinned.id}`),
    );
    expect(await move(id, pinned.id, id)).toEqual(
      wrong(`thread ${id} cannot be moved before itself`),
    );
    expect(await move(id, null, unknown)).toEqual(
      wrong("beforeThreadId requires a non-null sectionId"),
    );
    expect(await wireErrorOf(sections.delete("zz"))).toEqual(param("thread section not found: zz"));
    expect(await wireErrorOf(sections.update("zz", { name: "x" }))).toEqual(
      param("thread section not found: zz"),
    );
    expect(await wireErrorOf(sections.delete(pinned.id))).toEqual(
      param("the built-in pinned section cannot be deleted"),
    );
    expect(await wireErrorOf(sections.update(pinned.id, { name: "x" }))).toEqual(
      param("the built-in pinned section cannot be renamed"),
    );
  });
});
