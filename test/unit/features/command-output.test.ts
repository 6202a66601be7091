import { describe, expect, test } from "vitest";
import { base64Bytes } from "../../../src/features/base64-bytes.ts";
import { CommandOutput, outputText } from "../../../src/features/command-output.ts";

describe("the output of a command as text", () => {
  test.each([
    ["UTF-8", Buffer.from("héé €"), "héé €"],
    ["a mark at the beginning", Buffer.from("\uFEFFa"), "\uFEFFa"],
    ["a last character that a cap cut in two", Buffer.from("aé").subarray(0, 2), "a"],
    ["any other bytes", Buffer.from([0x61, 0xff, 0x80, 0x93, 0x62]), "aÿ€“b"],
    ["nothing", Buffer.alloc(0), ""],
  ])("%s", (_, bytes, text) => {
    expect(outputText(bytes)).toBe(text);
  });

  test("both streams together have room for 4 MiB", () => {
    const output = new CommandOutput();
    const half = Buffer.alloc(2 * 1024 * 1024, "x");
    expect([output.add("stdout", half), output.add("stderr", half)]).toEqual([true, true]);
    expect(output.overflowed).toBe(false);
    expect(output.add("stderr", Buffer.from("x"))).toBe(false);
    expect(output.overflowed).toBe(true);
  });
});

describe("base64 of a client", () => {
  test("is read when it is whole", () => {
    expect(base64Bytes("/+8=")).toEqual(Buffer.from([0xff, 0xef]));
    expect(base64Bytes("")).toEqual(Buffer.alloc(0));
  });

  test.each([
    ["%%%", "invalid deltaBase64: Invalid symbol 37, offset 0."],
    ["YQ==\n", "invalid deltaBase64: Invalid symbol 10, offset 4."],
    ["YQ", "invalid deltaBase64: Invalid padding"],
    ["Y===", "invalid deltaBase64: Invalid symbol 61, offset 1."],
    ["YQ=Q", "invalid deltaBase64: Invalid symbol 61, offset 2."],
    ["YWJjY", "invalid deltaBase64: Invalid input length: 5"],
    ["YWJ=", "invalid deltaBase64: Invalid last symbol 74, offset 2."],
    ["\u00E9", "invalid deltaBase64: Invalid symbol 195, offset 0."],
  ])("%j is refused", (text, message) => {
    expect(() => base64Bytes(text)).toThrow(message);
  });
});
