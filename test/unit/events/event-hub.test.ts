import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventHub } from "../../../src/events/event-hub.ts";
import { TextStream, escapeText } from "../../../src/events/text-stream.ts";
import { ItemId, ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import { agentMessageDelta } from "../../../src/protocol/item-notifications.ts";
import { approvalInboxChanged } from "../../../src/protocol/request-notifications.ts";
import {
  threadArchived,
  threadNameUpdated,
  warning,
} from "../../../src/protocol/thread-notifications.ts";
import { tick } from "../../helpers/memory-socket.ts";
import { RecordingOutlet, watchFromNow } from "../../helpers/recording-outlet.ts";
import { payloadsOf, sentIn } from "../../helpers/text-frames.ts";
import { textFrame } from "../../../src/util/text-frame.ts";

const a = ThreadId.parse("a");
const b = ThreadId.parse("b");
const streamIn = (threadId: ThreadId): TextStream =>
  new TextStream(agentMessageDelta, {
    threadId,
    turnId: TurnId.parse("u"),
    itemId: ItemId.parse("i"),
  });

/** A hub with outlets that are initialised and watch the threads named for each. */
function hubWith(...watched: readonly (readonly ThreadId[])[]): [EventHub, ...RecordingOutlet[]] {
  const hub = new EventHub();
  const outlets = watched.map((threads) => {
    const outlet = new RecordingOutlet();
    hub.join(outlet);
    for (const thread of threads) watchFromNow(hub, thread, outlet);
    return outlet;
  });
  return [hub, ...outlets];
}
const warn = (hub: EventHub, threadId: ThreadId, message: string): void =>
  hub.publish(warning, { threadId, message });
const messages = (outlet: RecordingOutlet | undefined): readonly unknown[] =>
  outlet?.sent.map(
    ({ params }) => params?.["message"] ?? params?.["delta"] ?? params?.["threadId"],
  ) ?? [];

describe("order and audience", () => {
  it("keeps the order of publishing over threads and audiences", async () => {
    const [hub, both, onlyA, none] = hubWith([a, b], [a], []);
    warn(hub, a, "1");
    hub.publish(threadArchived, { threadId: b });
    warn(hub, b, "2");
    hub.delta(streamIn(a), escapeText("3"));
    hub.publish(threadNameUpdated, { threadId: a, threadName: "n" });
    await tick();
    expect(messages(both)).toEqual(["1", "b", "2", "3", "a"]);
    expect(messages(onlyA)).toEqual(["1", "b", "3", "a"]);
    expect(messages(none)).toEqual(["b", "a"]);
  });

  it("gives one who joins or subscribes only what is published from then on", async () => {
    const [hub, first] = hubWith([a]);
    const late = new RecordingOutlet();
    warn(hub, a, "before");
    hub.join(late);
    watchFromNow(hub, a, late);
    warn(hub, a, "after");
    await tick();
    expect([messages(first), messages(late)]).toEqual([["before", "after"], ["after"]]);
  });

  it("gives one who unsubscribes or leaves what was published until then", async () => {
    const [hub, first, second] = hubWith([a], [a]);
    warn(hub, a, "1");
    expect(first && hub.unsubscribe(a, first)).toBe(true);
    if (second) hub.leave(second);
    warn(hub, a, "2");
    hub.publish(threadArchived, { threadId: b });
    await tick();
    expect([messages(first), messages(second)]).toEqual([["1", "b"], ["1"]]);
    expect(first && hub.unsubscribe(a, first)).toBe(false);
  });

  it("puts what is sent after deliver() behind everything published so far", () => {
    const [hub, outlet] = hubWith([a]);
    warn(hub, a, "1");
    hub.deliver();
    outlet?.push(textFrame('{"id":1,"result":null}'));
    expect(outlet?.trace).toEqual(["warning", "answer 1"]);
  });
});

describe("work per tick", () => {
  it("builds frames once: all plain outlets are given the same buffer", async () => {
    const [hub, ...outlets] = hubWith([a], [a], [a]);
    const stream = streamIn(a);
    for (const text of ["x", "y", "z"]) hub.delta(stream, escapeText(text));
    warn(hub, a, "end");
    await tick();
    const [first] = outlets;
    expect(first?.pushed.length).toBe(1);
    for (const outlet of outlets) expect(outlet.pushed[0]).toBe(first?.pushed[0]);
  });

  it("flushes each outlet once, however much was published", async () => {
    const [hub, watcher, bystander] = hubWith([a, b], []);
    for (let count = 0; count < 50; count++) {
      warn(hub, a, "x");
      warn(hub, b, "y");
    }
    expect(watcher?.flushes).toEqual([]);
    await tick();
    expect(watcher?.flushes.length).toBe(1);
    expect(bystander?.flushes).toEqual([]);
    warn(hub, a, "next tick");
    await tick();
    expect(watcher?.flushes.length).toBe(2);
  });

  it("stamps everything of a tick with one reading of the clock", async () => {
    const [hub, outlet] = hubWith([a]);
    const beforeMs = Date.now();
    warn(hub, a, "1");
    hub.delta(streamIn(a), escapeText("2"));
    await tick();
    const stamps = new Set(outlet?.sent.map(({ emittedAtMs }) => emittedAtMs));
    expect(stamps.size).toBe(1);
    for (const stamp of stamps) {
      expect(stamp).toBeGreaterThanOrEqual(beforeMs);
      expect(stamp).toBeLessThanOrEqual(Date.now());
    }
  });

  it("writes notifications as JSON.stringify does, method first", async () => {
    const [hub, outlet] = hubWith([a]);
    warn(hub, a, "lone \ud800 and “quotes”");
    await tick();
    const [text = ""] = payloadsOf(Buffer.concat(outlet?.pushed ?? []));
    const { emittedAtMs } = JSON.parse(text);
    expect(text).toBe(
      JSON.stringify({
        method: "warning",
        params: { threadId: a, message: "lone \ud800 and “quotes”" },
        emittedAtMs,
        seq: 1,
      }),
    );
  });
});

describe("outlets that do not take everything", () => {
  it("leaves out what an outlet opted out of, and nothing else", async () => {
    const [hub, picky, plain] = hubWith([a], [a]);
    picky?.optOut.add("warning");
    if (picky) picky.takesAll = false;
    warn(hub, a, "1");
    hub.delta(streamIn(a), escapeText("2"));
    hub.publish(threadArchived, { threadId: a });
    await tick();
    expect([messages(picky), messages(plain)]).toEqual([
      ["2", "a"],
      ["1", "2", "a"],
    ]);
  });

  it("gives a lagging outlet nothing now and all to hold, deltas by their place in the text", async () => {
    const [hub, slow] = hubWith([a]);
    const stream = streamIn(a);
    hub.delta(stream, escapeText("one "));
    hub.deliver();
    if (slow) slow.lagging = true;
    hub.delta(stream, escapeText("two "));
    warn(hub, a, "state");
    hub.delta(stream, escapeText("three"));
    await tick();
    expect(messages(slow)).toEqual(["one "]);
    const [, held] = slow?.held ?? [];
    expect(slow?.held).toEqual([
      { stream, from: 4, to: 8, seq: 2 },
      held,
      { stream, from: 8, to: 13, seq: 4 },
    ]);
    expect(Buffer.isBuffer(held) && sentIn(held)).toMatchObject([{ method: "warning", seq: 3 }]);
  });

  it("asks only those who may answer, and tells all when nobody needs to any more", async () => {
    const [hub, approver, viewer, elsewhere] = hubWith([a], [a], [b]);
    if (viewer) viewer.role = "viewer";
    hub.ask(a, 7, textFrame('{"method":"item/x","id":7,"params":{}}'), "approver");
    warn(hub, a, "between");
    hub.resolved(a, 7);
    await tick();
    expect(approver?.trace).toEqual(["item/x", "warning", "serverRequest/resolved"]);
    expect(viewer?.trace).toEqual(["warning", "serverRequest/resolved"]);
    expect(elsewhere?.trace).toEqual([]);
    expect([approver?.askedIds, approver?.resolvedIds]).toEqual([[7], [7]]);
    expect([viewer?.askedIds, viewer?.resolvedIds]).toEqual([[], [7]]);
  });

  it("takes a request back from one who does not want to hear that it is resolved", async () => {
    const [hub, outlet] = hubWith([a]);
    outlet?.optOut.add("serverRequest/resolved");
    if (outlet) outlet.takesAll = false;
    hub.ask(a, 7, textFrame('{"method":"item/x","id":7,"params":{}}'), "approver");
    hub.resolved(a, 7);
    await tick();
    expect(outlet?.trace).toEqual(["item/x"]);
    expect(outlet?.resolvedIds).toEqual([7]);
  });
});

type Step =
  | { readonly do: "subscribe" | "unsubscribe"; readonly who: number; readonly thread: number }
  | { readonly do: "publish" | "delta" | "all"; readonly thread: number }
  | { readonly do: "tick" };

const thread = fc.nat({ max: 2 });
const stepArb: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom("subscribe", "unsubscribe"), who: fc.nat({ max: 3 }), thread }),
  fc.record({ do: fc.constantFrom("publish", "delta", "all"), thread }),
  fc.record({ do: fc.constant("tick") }),
);

describe("any course of subscribing and publishing", () => {
  it("brings to each exactly what was published to it while it watched, in one order for all", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(stepArb, { maxLength: 60 }), async (steps) => {
        const threads = ["t0", "t1", "t2"].map((id) => ThreadId.parse(id));
        const [hub, ...outlets] = hubWith([], [], [], []);
        const watching = outlets.map(() => new Set<ThreadId>());
        const expected: string[][] = outlets.map(() => []);
        const streams = new Map(threads.map((id) => [id, streamIn(id)]));
        let count = 0;
        let honest = true;
        for (const step of steps) {
          if (step.do === "tick") {
            await tick();
            continue;
          }
          const id = threads[step.thread] ?? a;
          if ("who" in step) {
            const outlet = outlets[step.who];
            const mine = watching[step.who];
            if (!outlet || !mine) continue;
            if (step.do === "subscribe") {
              watchFromNow(hub, id, outlet);
              mine.add(id);
            } else {
              honest &&= hub.unsubscribe(id, outlet) === mine.delete(id);
            }
            continue;
          }
          const label = `${id} ${count++}`;
          const stream = streams.get(id);
          if (step.do === "all")
            hub.publish(threadNameUpdated, { threadId: id, threadName: label });
          else if (step.do === "publish") warn(hub, id, label);
          else if (stream) hub.delta(stream, escapeText(label));
          expected.forEach((list, who) => {
            if (step.do === "all" || watching[who]?.has(id)) list.push(label);
          });
        }
        await tick();
        const got = outlets.map((outlet) =>
          outlet.sent.map(
            ({ params }) => params?.["message"] ?? params?.["delta"] ?? params?.["threadName"],
          ),
        );
        expect([honest, got]).toEqual([true, expected]);
      }),
      { numRuns: 60 },
    );
  });
});

describe("what is for some of all alone", () => {
  it("is no event of the thread that it names: the numbers of those who watch that have no hole", () => {
    const hub = new EventHub();
    const watcher = new RecordingOutlet();
    hub.join(watcher);
    watchFromNow(hub, a, watcher);
    const before = hub.position(a).seq;
    hub.publish(approvalInboxChanged, { threadId: a });
    expect(hub.position(a).seq).toBe(before);
  });
});
