import { describe, expect, it } from "vitest";
import { parseThreadId, threadOrder } from "../../../src/features/thread-id.ts";

const id = "0199a2b4-9c5e-7d31-8a44-0123456789ab";

describe("a thread id", () => {
  it.each([id, id.toUpperCase(), id.replaceAll("-", ""), `urn:uuid:${id}`])(
    "may read %s",
    (text) => {
      expect(parseThreadId(text)).toBe(id);
      expect(threadOrder({ threadId: text })).toBe(threadOrder({ threadId: id }));
    },
  );

  it.each([
    ["", "invalid length: expected length 32 for simple format, found 0"],
    ["abc", "invalid length: expected length 32 for simple format, found 3"],
    [
      "not-a-uuid",
      "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `n` at 1",
    ],
    [
      "0199a2b4-9c5e-7d31-8a44-0123456789ag",
      "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `g` at 36",
    ],
    [
      "../../../etc/passwd",
      "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `.` at 1",
    ],
    ["0199a2b4-9c5e-7d31-8a44", "invalid group count: expected 5, found 4"],
    ["0199a2b-9c5e-7d31-8a44-0123456789ab", "invalid group length in group 0: expected 8, found 7"],
    ["__proto__", expect.stringContaining("found `_` at 1")],
  ])("is refused when it reads %o", (text, reason) => {
    expect(() => parseThreadId(text)).toThrow(
      expect.objectContaining({
        code: -32600,
        message: typeof reason === "string" ? `invalid thread id: ${reason}` : reason,
      }),
    );
  });

  it("is called a session's where the method does", () => {
    expect(() => parseThreadId("x", "session")).toThrow("invalid session id: ");
  });
});
