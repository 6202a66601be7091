import { describe, expect, it } from "vitest";
import { AppendQueue } from "../../../src/store/append-queue.ts";
import { deferred } from "../../../src/util/deferred.ts";

/** A queue whose batches are written when `release` says so. */
function bench(ready?: () => Promise<void>) {
  const batches: (readonly number[])[] = [];
  const gates: ReturnType<typeof deferred<void>>[] = [];
  const queue = new AppendQueue<number>({
    write: (events) => {
      batches.push(events);
      const gate = deferred<void>();
      gates.push(gate);
      return gate.promise;
    },
    ...(ready && { ready }),
  });
  const ended: string[] = [];
  const add = (...events: readonly number[]): void => {
    const name = events.join();
    queue.add(events).then(
      () => ended.push(name),
      (error: unknown) => ended.push(`${name}: ${String(error)}`),
    );
  };
  const release = async (error?: Error): Promise<void> => {
    const gate = gates.shift();
    if (error) gate?.reject(error);
    else gate?.resolve();
    await due();
  };
  return { queue, batches, ended, add, release };
}

/** Lets everything that is due in this turn of the event loop happen. */
const due = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

describe("what waits in front of a history", () => {
  it("is begun at once, and what comes meanwhile is one batch, in order", async () => {
    const { batches, ended, add, release } = bench();
    add(1, 2);
    add(3);
    add(4, 5);
    expect(batches).toEqual([[1, 2]]);
    await release();
    expect([batches, ended]).toEqual([
      [
        [1, 2],
        [3, 4, 5],
      ],
      ["1,2"],
    ]);
    await release();
    expect(ended).toEqual(["1,2", "3", "4,5"]);
    add(6);
    expect(batches.at(-1)).toEqual([6]);
  });

  it("fails with its batch, and the next batch is written all the same", async () => {
    const { ended, add, release } = bench();
    add(1);
    add(2);
    add(3);
    await release();
    await release(new Error("full"));
    add(4);
    await release();
    expect(ended).toEqual(["1", "2: Error: full", "3: Error: full", "4"]);
  });

  it("waits until its writer is ready, and is one batch then", async () => {
    const ready = deferred<void>();
    const { batches, add } = bench(() => ready.promise);
    add(1);
    add(2);
    await due();
    expect(batches).toEqual([]);
    ready.resolve();
    await due();
    expect(batches).toEqual([[1, 2]]);
  });

  it("is written before the queue closes; what comes later is refused", async () => {
    const { queue, batches, ended, add, release } = bench();
    add(1);
    add(2);
    const closed = queue.close().then(() => ended.push("closed"));
    add(3);
    expect(queue.isClosed).toBe(true);
    await release();
    await release();
    await closed;
    expect(batches).toEqual([[1], [2]]);
    expect(ended).toEqual(["3: Error: the thread was given up already", "1", "2", "closed"]);
  });

  it("is settled when all of it is written, and at once where nothing waits", async () => {
    const { queue, ended, add, release } = bench();
    await queue.settled();
    add(1);
    add(2);
    const settled = queue.settled().then(() => ended.push("settled"));
    await release();
    expect(ended).toEqual(["1"]);
    await release(new Error("full"));
    await settled;
    expect(ended).toEqual(["1", "2: Error: full", "settled"]);
  });
});
