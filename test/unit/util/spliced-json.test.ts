import { describe, expect, test } from "vitest";
import { jsonPieces, spliced } from "../../../src/util/spliced-json.ts";
import { textFrame, textFrameOf } from "../../../src/util/text-frame.ts";

class Ready {
  made = 0;
  readonly buffers: readonly Buffer[];

  constructor(...json: readonly string[]) {
    this.buffers = json.map((text) => Buffer.from(text));
  }

  toJSON(): unknown {
    const ready = spliced(() => {
      this.made += 1;
      return this.buffers;
    });
    return ready ?? JSON.parse(Buffer.concat(this.buffers).toString());
  }
}

const textOf = (pieces: readonly (string | Buffer)[]): string =>
  Buffer.concat(pieces.map((piece) => Buffer.from(piece))).toString();

describe("JSON with ready parts", () => {
  test("equals what JSON.stringify makes, wherever the parts stand", () => {
    const value = {
      a: [new Ready('{"x":"$& $1 \\u0000 ä"}'), 1],
      b: { c: new Ready("[", "1,2", "]") },
      d: "ö",
    };
    expect(textOf(jsonPieces(value))).toBe(JSON.stringify(value));
    expect(jsonPieces([1, "a"])).toEqual(['[1,"a"]']);
  });

  test("hands the parts on uncopied, and leaves ordinary stringifying alone", () => {
    const ready = new Ready('{"x":1}');
    expect(jsonPieces([ready, ready]).filter((piece) => piece === ready.buffers[0])).toHaveLength(
      2,
    );
    expect(ready.made).toBe(2);
    JSON.stringify(ready);
    expect(ready.made).toBe(2);
  });

  test("is in order again after a value that cannot be written", () => {
    expect(() => jsonPieces({ big: 1n })).toThrow(TypeError);
    expect(JSON.stringify(new Ready("2"))).toBe("2");
  });

  test.each([1, 125, 126, 65_535, 65_536])("makes one frame of a payload of %i bytes", (bytes) => {
    const text = "x".repeat(bytes);
    const pieces = [text.slice(0, 1), Buffer.from(text.slice(1))];
    expect(Buffer.concat(textFrameOf(pieces)).equals(textFrame(text))).toBe(true);
    expect(Buffer.concat(textFrameOf([text])).equals(textFrame(text))).toBe(true);
  });
});
