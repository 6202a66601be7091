import { describe, expect, it } from "vitest";
import { Steering } from "../../../src/threads/steering.ts";

describe("words that come while a request is about to be made", () => {
  it.each([0, 1, 2, 3])("drop it, also %i steps after it was wished for", async (steps) => {
    const steering = new Steering();
    const asking = steering.beginSettled();
    for (let step = 0; step < steps; step += 1) await Promise.resolve();
    const { done } = steering.take();
    const asked = await asking;
    expect([asked.aborted, steering.wanted]).toEqual([true, true]);
    done();
    expect((await steering.beginSettled()).aborted).toBe(false);
    expect(steering.wanted).toBe(false);
  });

  it("are all waited for, also those that come meanwhile", async () => {
    const steering = new Steering();
    const first = steering.take();
    const trace: string[] = [];
    const ask = async (): Promise<void> => {
      const asked = await steering.beginSettled();
      trace.push(asked.aborted ? "dropped" : "asked");
    };
    const asking = ask();
    const second = steering.take();
    first.done();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    trace.push("said");
    second.done();
    await asking;
    expect(trace).toEqual(["said", "asked"]);
  });
});
