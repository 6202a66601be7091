import * as fc from "fast-check";
import { expect, it } from "vitest";
import { escapeText, TextStream } from "../../../src/events/text-stream.ts";
import { defaultRetention } from "../../../src/events/thread-logs.ts";
import { ItemId, ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import { agentMessageDelta } from "../../../src/protocol/item-notifications.ts";
import { threadNameUpdated, warning } from "../../../src/protocol/thread-notifications.ts";
import { textFrame } from "../../../src/util/text-frame.ts";
import { tick } from "../../helpers/memory-socket.ts";
import { sessionBench } from "../../helpers/session-bench.ts";
import type { Sent } from "../../helpers/text-frames.ts";

const a = ThreadId.parse("a");
const b = ThreadId.parse("b");
const items = ["i0", "i1"];

/** What a client shows: the text of each item, and all other news in their order. */
interface View {
  readonly texts: Record<string, string>;
  readonly news: string[];
}
interface Happening {
  readonly seq: number;
  readonly item?: string;
  readonly text: string;
  readonly whole?: boolean;
}

function show(view: View, { item, text, whole }: Omit<Happening, "seq">): void {
  if (item === undefined || whole) view.news.push(text);
  if (item !== undefined) view.texts[item] = whole ? text : (view.texts[item] ?? "") + text;
}

/** The host's side: what happened in thread a, by number. */
class Truth {
  readonly bench = sessionBench([], { ...defaultRetention, bytesPerThread: 4_000 });
  readonly #happened: Happening[] = [];
  readonly #streams = new Map<string, TextStream>();
  #count = 0;
  #asked = 0;

  happen(kind: "note" | "name" | "delta" | "whole" | "ask" | "elsewhere", item: string): void {
    const { hub } = this.bench;
    const text = `${this.#count++}${"é".repeat(this.#count % 15)} `;
    if (kind === "elsewhere") {
      hub.publish(warning, { threadId: b, message: text });
      return;
    }
    if (kind === "note") hub.publish(warning, { threadId: a, message: text });
    if (kind === "name") hub.publish(threadNameUpdated, { threadId: a, threadName: text });
    if (kind === "ask") {
      const frame = textFrame(
        JSON.stringify({ method: "item/x", id: this.#asked, params: { text } }),
      );
      hub.ask(a, this.#asked++, frame, "approver");
    }
    if (kind === "delta") hub.delta(this.#stream(item), escapeText(text));
    const whole = `${item}=${this.#at(item)}`;
    if (kind === "whole") {
      this.#streams.get(item)?.close();
      this.#streams.delete(item);
      hub.publish(warning, { threadId: a, message: whole });
    }
    const { seq } = hub.position(a);
    if (kind === "delta") this.#happened.push({ seq, item, text });
    else if (kind === "whole") this.#happened.push({ seq, item, text: whole, whole: true });
    else this.#happened.push({ seq, text });
  }

  /** What the thread shows to one who has everything up to a number. */
  view(upTo = Number.POSITIVE_INFINITY): View {
    const view: View = { texts: {}, news: [] };
    for (const happening of this.#happened) if (happening.seq <= upTo) show(view, happening);
    return view;
  }

  #at = (item: string): string => this.view().texts[item] ?? "";

  #stream(item: string): TextStream {
    const known = this.#streams.get(item);
    if (known) return known;
    const ids = { threadId: a, turnId: TurnId.parse("u"), itemId: ItemId.parse(item) };
    const stream = new TextStream(agentMessageDelta, ids);
    this.#streams.set(item, stream);
    return stream;
  }
}

type Connection = Awaited<ReturnType<Truth["bench"]["watcher"]>>;

type Act = "connect" | "read" | "stick" | "unstick" | "cut";

class Client {
  view: View = { texts: {}, news: [] };
  place: { readonly epoch: string; readonly seq: number } | undefined;
  readonly outcomes: string[] = [];
  readonly #truth: Truth;
  #connection: Connection | undefined;
  /** Frames that it has read for certain. */
  #readFrames = 0;

  constructor(truth: Truth) {
    this.#truth = truth;
  }

  async connect(): Promise<void> {
    if (this.#connection) return;
    const connection = await this.#truth.bench.watcher([]);
    this.#connection = connection;
    const since = this.place;
    connection.call("subscribe", { threadId: a, ...(since && { since }) });
  }

  async does(act: Act, part: number): Promise<void> {
    if (act === "connect") await this.connect();
    if (act === "read") this.read();
    if (act === "stick") this.stick();
    if (act === "unstick") this.unstick();
    if (act === "cut") this.cut(part);
  }

  stick(): void {
    const socket = this.#connection?.socket;
    if (socket) socket.stuck = true;
  }

  unstick(): void {
    const { socket, session } = this.#connection ?? {};
    if (!socket?.stuck || socket.closes.length > 0) return;
    socket.stuck = false;
    socket.drain();
    session?.drained();
  }

  read(): void {
    const { socket } = this.#connection ?? {};
    if (socket && !socket.stuck) this.#readFrames = socket.sent.length;
  }

  /** The connection breaks; of what was on its way it has read a part. */
  cut(part: number): void {
    const { socket, session } = this.#connection ?? {};
    if (!socket || !session) return;
    const from = this.#readFrames;
    const read = from + Math.floor(part * (socket.sent.length - from + 1));
    for (const sent of socket.sent.slice(0, read)) this.#take(sent);
    session.closed(1006);
    this.#connection = undefined;
    this.#readFrames = 0;
  }

  #take(sent: Sent): void {
    const { id, result, params, seq } = sent;
    if (id === "subscribe") this.#resumed(Object(result));
    if (seq === undefined || params?.["threadId"] === b) return;
    if (this.place === undefined || seq <= this.place.seq) throw new Error(`${seq} came twice`);
    this.place = { ...this.place, seq };
    show(this.view, newsIn(sent));
  }

  #resumed({ epoch, seq, outcome }: { epoch: string; seq: number; outcome: string }): void {
    this.outcomes.push(outcome);
    if (outcome === "replayed") return;
    this.place = { epoch, seq };
    this.view = this.#truth.view(seq);
  }
}

/** What a numbered frame of thread a says. */
function newsIn({ method, params = {} }: Sent): Omit<Happening, "seq"> {
  const texts = ["delta", "message", "threadName", "text"].map((name) => params[name]);
  const text = texts.find((found) => typeof found === "string") ?? "";
  if (method === agentMessageDelta.name) return { item: String(params["itemId"]), text };
  const item = items.find((name) => text.startsWith(`${name}=`));
  return item === undefined ? { text } : { item, text, whole: true };
}

const happening = fc.record({
  kind: fc.constantFrom(
    "note",
    "name",
    "delta",
    "delta",
    "delta",
    "delta",
    "whole",
    "ask",
    "elsewhere",
  ),
  item: fc.constantFrom(...items),
  times: fc.integer({ min: 1, max: 5 }),
});
const step = fc.oneof(
  { weight: 6, arbitrary: happening },
  { weight: 4, arbitrary: fc.constant("tick" as const) },
  {
    weight: 5,
    arbitrary: fc.record({
      who: fc.nat({ max: 2 }),
      does: fc.constantFrom<Act[]>("connect", "connect", "read", "stick", "unstick", "cut"),
      part: fc.double({ min: 0, max: 0.999, noNaN: true }),
    }),
  },
);

/** One reads nothing while much happens, and then goes on. */
const spell = fc.record({
  who: fc.nat({ max: 2 }),
  spell: fc.array(happening, { minLength: 6, maxLength: 10, size: "max" }),
});

const anyStep = fc.oneof({ weight: 6, arbitrary: step }, { weight: 1, arbitrary: spell });

type Step = typeof anyStep extends fc.Arbitrary<infer One> ? One : never;

async function take(next: Step, truth: Truth, clients: readonly Client[]): Promise<void> {
  if (next === "tick") return tick();
  if ("kind" in next) {
    for (let count = 0; count < next.times; count++) truth.happen(next.kind, next.item);
    return;
  }
  const client = clients[next.who];
  if ("does" in next) return client?.does(next.does, next.part);
  await client?.does("stick", 0);
  for (const { kind, item } of next.spell) {
    truth.happen(kind, item);
    await tick();
  }
  await client?.does("unstick", 0);
}

it("any course of events, cuts and slow reading: each client ends with what happened, once and whole", async () => {
  const outcomes = new Set<string>();
  const steps = fc.array(anyStep, { minLength: 20, maxLength: 80, size: "max" });
  await fc.assert(
    fc.asyncProperty(steps, async (course) => {
      const truth = new Truth();
      const clients = [new Client(truth), new Client(truth), new Client(truth)];
      for (const next of course) await take(next, truth, clients);
      for (const client of clients) {
        await tick();
        for (const act of ["cut", "connect"] as const) await client.does(act, 0);
        await tick();
        await client.does("cut", 0.999);
        for (const outcome of client.outcomes) outcomes.add(outcome);
        expect(client.view).toEqual(truth.view());
      }
    }),
    { numRuns: 120 },
  );
  expect([...outcomes].toSorted()).toEqual(["gap", "replayed", "snapshot"]);
});
