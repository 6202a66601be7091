import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { TextStream, decodeEscaped, escapeText } from "../../../src/events/text-stream.ts";
import { ThreadLog } from "../../../src/events/thread-log.ts";
import { ItemId, ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import {
  agentMessageDelta,
  reasoningSummaryTextDelta,
} from "../../../src/protocol/item-notifications.ts";
import { payloadsOf } from "../../helpers/text-frames.ts";

const ids = {
  threadId: ThreadId.parse("t-1"),
  turnId: TurnId.parse("u-1"),
  itemId: ItemId.parse('i"1\\é'),
};
const messageStream = (): TextStream => new TextStream(agentMessageDelta, ids);
const only = (frame: Buffer | undefined): string => payloadsOf(frame ?? Buffer.alloc(0))[0] ?? "";
const deltaOf = (frame: Buffer | undefined): unknown => JSON.parse(only(frame)).params.delta;

let log = new ThreadLog("e");
beforeEach(() => {
  log = new ThreadLog("e");
});

describe("a delta", () => {
  it("reads byte for byte as JSON.stringify would write it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (delta) => {
        const frame = messageStream().append(escapeText(delta), 12, log);
        expect(only(frame)).toBe(
          JSON.stringify({
            method: "item/agentMessage/delta",
            params: { ...ids, delta },
            emittedAtMs: 12,
            seq: log.head,
          }),
        );
      }),
    );
  });

  it("carries the stream's further members behind the text", () => {
    const stream = new TextStream(reasoningSummaryTextDelta, { ...ids, summaryIndex: 3 });
    expect(only(stream.append(escapeText("x"), 1, log))).toBe(
      JSON.stringify({
        method: "item/reasoning/summaryTextDelta",
        params: { ...ids, delta: "x", summaryIndex: 3 },
        emittedAtMs: 1,
        seq: 1,
      }),
    );
  });

  it("passes escapes of the endpoint through as they are", () => {
    const escaped = Buffer.from(String.raw`\u00e9\/\ud83d\ude00\n"`.slice(0, -1));
    const stream = messageStream();
    const frame = stream.append(escaped, 1, log);
    expect(frame.includes(escaped)).toBe(true);
    expect(deltaOf(frame)).toBe("é/😀\n");
    expect(stream.text()).toBe("é/😀\n");
  });
});

describe("the text that is kept", () => {
  it("is what all deltas together say, and from any delta's beginning on what came since", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", maxLength: 400 })), (pieces) => {
        const stream = messageStream();
        const offsets = pieces.map((piece) => {
          const { offset } = stream;
          stream.append(escapeText(piece), 1, log);
          return offset;
        });
        // a pair of surrogates that was split over pieces is whole again in the text
        expect(escapeText(stream.text())).toEqual(
          escapeText(decodeEscaped(escapeText(pieces.join("")))),
        );
        offsets.forEach((offset, index) => {
          const rest = pieces.slice(index).join("");
          const frame = stream.frameOf(offset, stream.offset, 1, 2);
          expect(frame && deltaOf(frame)).toBe(rest === "" ? undefined : rest);
        });
      }),
      { numRuns: 50 },
    );
  });

  it("is the caller's own copy: a buffer that is used again changes nothing", () => {
    const stream = messageStream();
    const chunk = Buffer.from("abc");
    const frame = stream.append(chunk, 1, log);
    chunk.fill("z");
    expect([stream.text(), deltaOf(frame)]).toEqual(["abc", "abc"]);
  });

  it("ends at 8 MiB: then no text is given out instead of one with a hole", () => {
    const stream = messageStream();
    const piece = Buffer.alloc(1024 * 1024, "a");
    for (let count = 0; count < 8; count++) stream.append(piece, 1, log);
    expect(stream.text().length).toBe(8 * 1024 * 1024);
    expect(stream.frameOf(8 * 1024 * 1024 - 3, stream.offset, 1, 2)).toBeDefined();
    const frame = stream.append(Buffer.from("b"), 1, log);
    expect(deltaOf(frame)).toBe("b");
    expect(stream.offset).toBe(8 * 1024 * 1024 + 1);
    expect([stream.text(), stream.frameOf(0, stream.offset, 1, 2)]).toEqual(["", undefined]);
  });

  it("is owed to nobody once the item is completed", () => {
    const stream = messageStream();
    stream.append(Buffer.from("abc"), 1, log);
    expect(stream.open).toBe(true);
    stream.close();
    expect([stream.open, stream.text(), stream.frameOf(0, stream.offset, 1, 2)]).toEqual([
      false,
      "",
      undefined,
    ]);
  });
});
