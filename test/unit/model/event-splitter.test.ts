import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventSplitter, EventTooLargeError } from "../../../src/model/responses/event-splitter.ts";

const DELTA = "response.output_text.delta";
const WANTED = new Set(["response.completed", "error"]);

type Seen = readonly ["text", string, string] | readonly ["event", unknown];

function split(chunks: readonly Buffer[], maxEventBytes?: number): readonly Seen[] {
  const seen: Seen[] = [];
  const splitter = new EventSplitter(
    {
      textDelta(itemId, escaped) {
        const text = new TextDecoder("utf-8", { fatal: true }).decode(escaped);
        const value: unknown = JSON.parse(`"${text}"`);
        seen.push(["text", itemId, String(value)]);
      },
      event: (data) => void seen.push(["event", data]),
    },
    WANTED,
    maxEventBytes,
  );
  for (const chunk of chunks) {
    splitter.feed(chunk);
    while (!splitter.run(() => true));
  }
  return seen;
}

const bytesOf = (text: string): readonly Buffer[] => [Buffer.from(text)];
const delta = (itemId: string, text: string): string =>
  `event: ${DELTA}\ndata: ${JSON.stringify({ type: DELTA, item_id: itemId, output_index: 0, content_index: 0, delta: text })}\n\n`;

const STREAM = [
  ": a comment\n\n",
  delta("msg_1", "Hello"),
  delta("msg_1", ' "quoted" \\ back\\\\slash\n\t\u0001'),
  delta("msg_1", "Grüße, 世界 🌍"),
  `event: ${DELTA}\r\ndata: {"type":"${DELTA}","item_id":"msg_1","delta":"crlf"}\r\n\r\n`,
  `data: {"delta" : "first", "item_id" : "msg_2" , "type" : "${DELTA}" }\n\n`,
  `data: {"sequence_number":7,"type":"${DELTA}","item_id":"msg_2","logprobs":[],"delta":"later \\u00e9\\ud83c\\udf0d","obfuscation":"x"}\n\n`,
  `data: {"type":"${DELTA}","logprobs":[{"delta":"no"}],"item_id":"msg_2","delta":"nested"}\n\n`,
  `data: {"type":"${DELTA}","item_id":"msg_2",\ndata: "delta":"two lines"}\n\n`,
  `data: {"type":"response.output_text.done","item_id":"msg_2","text":"dropped"}\n\n`,
  delta("msg_3", ""),
  delta("msg_3", "end"),
  "data: [DONE]\n\n",
  'event: response.completed\nid: 4\ndata:{"type":"response.completed","response":{"id":"r"}}\n\n',
].join("");

const EXPECTED: readonly Seen[] = [
  ["text", "msg_1", "Hello"],
  ["text", "msg_1", ' "quoted" \\ back\\\\slash\n\t\u0001'],
  ["text", "msg_1", "Grüße, 世界 🌍"],
  ["text", "msg_1", "crlf"],
  ["text", "msg_2", "first"],
  ["text", "msg_2", "later é🌍"],
  ["text", "msg_2", "nested"],
  ["text", "msg_2", "two lines"],
  ["text", "msg_3", ""],
  ["text", "msg_3", "end"],
  ["event", { type: "response.completed", response: { id: "r" } }],
];

const rawDelta = (body: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(`data: {"type":"${DELTA}","item_id":"m","delta":"`),
    body,
    Buffer.from('"}\n\n'),
  ]);

const itemLast = (id: string): string =>
  `data: {"type":"${DELTA}","delta":"t","item_id":"${id}"}\n\n`;

describe("EventSplitter", () => {
  it("reads a stream that comes as one chunk", () => {
    expect(split(bytesOf(STREAM))).toEqual(EXPECTED);
  });

  it("reads the same when the stream is split at any one byte", () => {
    const all = Buffer.from(STREAM);
    for (let at = 1; at < all.length; at++)
      expect(split([all.subarray(0, at), all.subarray(at)]), `split at ${at}`).toEqual(EXPECTED);
  });

  it("reads the same when every byte comes alone", () => {
    const all = Buffer.from(STREAM);
    expect(split(Array.from(all, (byte) => Buffer.from([byte])))).toEqual(EXPECTED);
  });

  it("gives back any texts, however they are chunked and ordered", () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }));
    const events = fc.array(fc.tuple(fc.constantFrom("msg_1", "msg_2"), text, fc.boolean()));
    fc.assert(
      fc.property(events, fc.array(fc.integer({ min: 1, max: 90 })), (list, sizes) => {
        const stream = list.map(([id, value, first]) =>
          first
            ? `data: ${JSON.stringify({ delta: value, type: DELTA, item_id: id })}\r\n\r\n`
            : delta(id, value),
        );
        const all = Buffer.from(stream.join(""));
        const chunks: Buffer[] = [];
        for (let at = 0, turn = 0; at < all.length; turn++) {
          const size = sizes[turn % Math.max(1, sizes.length)] ?? all.length;
          chunks.push(all.subarray(at, at + size));
          at += size;
        }
        expect(split(chunks)).toEqual(list.map(([id, value]) => ["text", id, value]));
      }),
      { numRuns: 150, seed: 7 },
    );
  });

  it("never hands on bytes that would break a client's frame", () => {
    const stream = [
      rawDelta(Buffer.from("fine")),
      rawDelta(Buffer.from([0x61, 0xff, 0x62])),
      rawDelta(Buffer.from("tab\there")),
      rawDelta(Buffer.from(String.raw`\x41`)),
      rawDelta(Buffer.from(String.raw`lone \ud800 half`)),
      rawDelta(Buffer.from("fine too")),
    ];
    expect(split([Buffer.concat(stream)])).toEqual([
      ["text", "m", "fine"],
      ["text", "m", "a\ufffdb"],
      ["text", "m", "lone \ufffd half"],
      ["text", "m", "fine too"],
    ]);
  });

  it("takes the item from its own event when it stands behind the text", () => {
    expect(split(bytesOf(itemLast("a") + itemLast("b")))).toEqual([
      ["text", "a", "t"],
      ["text", "b", "t"],
    ]);
  });

  it("does not take an event of another kind for a text because it begins alike", () => {
    const head = `event: error\r\ndata: {"type":"error"}\r\n\r\n`;
    const stream = delta("a", "1") + head + delta("a", "2") + head + delta("a", "3");
    expect(split(bytesOf(stream))).toEqual([
      ["text", "a", "1"],
      ["event", { type: "error" }],
      ["text", "a", "2"],
      ["event", { type: "error" }],
      ["text", "a", "3"],
    ]);
  });

  it("refuses an event beyond the limit, in one line or in many", () => {
    const line = Buffer.from(`data: ${"x".repeat(600)}`);
    expect(() => split([line, line], 1000)).toThrow(EventTooLargeError);
    const whole = Buffer.from(`data: ${"x".repeat(600)}\n`);
    expect(() => split([whole, whole], 1000)).toThrow(EventTooLargeError);
  });

  it("stops when told to and goes on from there", () => {
    const seen: string[] = [];
    const splitter = new EventSplitter(
      { textDelta: (_id, escaped) => void seen.push(escaped.toString()), event: () => {} },
      WANTED,
    );
    splitter.feed(Buffer.from(Array.from({ length: 100 }, (_, i) => delta("m", `${i}`)).join("")));
    expect(splitter.run(() => true)).toBe(false);
    expect(seen.length).toBeLessThan(100);
    while (!splitter.run(() => true));
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
  });
});
