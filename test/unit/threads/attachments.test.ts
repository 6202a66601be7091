import { describe, expect, it } from "vitest";
import { ThreadId } from "../../../src/protocol/ids.ts";
import { tick } from "../../helpers/memory-socket.ts";
import { createThreadBench, saidThread, wireErrorOf } from "../../helpers/thread-bench.ts";

describe("an attachment", () => {
  const pr = { attachmentType: "pr", identityKey: "k1" };

  it("is one of its kind in a thread, and is found from there and back", async () => {
    const bench = createThreadBench();
    const { attachments } = bench.manager;
    const [a, b] = [await saidThread(bench, "a"), await saidThread(bench, "b")];
    const first = await attachments.add(a.id, { ...pr, payload: { n: 1 } });
    const second = await attachments.add(a.id, { ...pr, payload: { n: 2 } });
    const third = await attachments.add(b.id, { ...pr, payload: null });
    for (const { announce } of [first, second, third]) announce();
    expect(first.attachment).toEqual({
      ...pr,
      id: first.attachment.id,
      payload: { n: 1 },
      createdAt: expect.any(Number),
    });
    expect([first.isNew, second.isNew]).toEqual([true, false]);
    expect(second.attachment).toEqual(first.attachment);
    expect(await bench.restarted().attachments.list(a.id)).toEqual([first.attachment]);
    expect((await attachments.owners(pr)).map(({ threadId }) => threadId)).toEqual([a.id, b.id]);
    (await attachments.remove(a.id, pr)).announce();
    (await attachments.remove(a.id, pr)).announce();
    expect((await attachments.owners(pr)).map(({ threadId }) => threadId)).toEqual([b.id]);
    await tick();
    const told = (threadId: string, attachmentId: string, operation: string) => ({
      threadId,
      ...pr,
      attachmentId,
      operation,
    });
    expect(b.outlet.sent.map(({ params }) => params)).toEqual([
      told(a.id, first.attachment.id, "created"),
      told(b.id, third.attachment.id, "created"),
      told(a.id, first.attachment.id, "deleted"),
    ]);
  });

  it("comes along with a fork under an id of its own", async () => {
    const bench = createThreadBench();
    const { attachments } = bench.manager;
    const { id } = await saidThread(bench, "a");
    const { attachment } = await attachments.add(id, { ...pr, payload: 1 });
    const { view } = await bench.manager.fork(id, {
      includeTurns: false,
      ephemeral: false,
      threadSource: null,
      originator: "test",
      lastTurnId: undefined,
      beforeTurnId: undefined,
    });
    const [copy] = await attachments.list(view.thread.id);
    expect(copy).toEqual({ ...attachment, id: copy?.id });
    expect(copy?.id).not.toBe(attachment.id);
  });

  it("is refused where the thread is kept nowhere, and past a hundred", async () => {
    const bench = createThreadBench();
    const { attachments } = bench.manager;
    const { id } = await saidThread(bench, "a");
    const fresh = await bench.thread();
    const passing = await bench.thread({ ephemeral: true });
    const unknown = ThreadId.parse("00000000-0000-4000-8000-000000000000");
    for (const other of [fresh.id, passing.id, unknown]) {
      const refused = { code: -32602, message: `thread not found: ${other}` };
      expect(await wireErrorOf(attachments.add(other, { ...pr, payload: 1 }))).toEqual(refused);
      expect(await wireErrorOf(attachments.remove(other, pr))).toEqual(refused);
      expect(await attachments.list(other)).toEqual([]);
    }
    for (let count = 0; count < 100; count += 1) {
      await attachments.add(id, { ...pr, identityKey: String(count), payload: count });
    }
    expect(await wireErrorOf(attachments.add(id, { ...pr, payload: 1 }))).toEqual({
      code: -32602,
      message: "thread attachment identity count exceeds 100",
    });
    expect((await attachments.add(id, { ...pr, identityKey: "7", payload: 1 })).isNew).toBe(false);
  });
});
