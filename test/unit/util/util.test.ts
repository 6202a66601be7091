import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { abortableDelay } from "../../../src/util/abortable-delay.ts";
import { deferred } from "../../../src/util/deferred.ts";
import { createLineLog } from "../../../src/util/line-log.ts";
import { textFrame } from "../../../src/util/text-frame.ts";
import { uuidV7 } from "../../../src/util/uuid-v7.ts";

describe("textFrame", () => {
  it.each([
    [0, "8100"],
    [125, "817d"],
    [126, "817e007e"],
    [65_535, "817effff"],
    [65_536, "817f0000000000010000"],
  ])("codes the length of %i bytes as short as it may be", (bytes, header) => {
    const frame = textFrame("a".repeat(bytes));
    expect(frame.length).toBe(header.length / 2 + bytes);
    expect(frame.subarray(0, header.length / 2).toString("hex")).toBe(header);
  });

  it("counts bytes, not characters, and takes bytes as they are", () => {
    expect(textFrame("é€").toString("hex")).toBe("8105c3a9e282ac");
    expect(textFrame(Buffer.from("é€"))).toEqual(textFrame("é€"));
  });
});

describe("uuidV7", () => {
  it("makes version 7 UUIDs that rise, more than 4096 of one millisecond too", () => {
    const ids = Array.from({ length: 10_000 }, () => uuidV7(4_000_000_000_000));
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids.slice(0, 50)) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  it("goes on rising when the clock is set back", () => {
    const before = uuidV7();
    expect(uuidV7(1) > before).toBe(true);
  });
});

describe("abortableDelay", () => {
  it("rejects with the signal's reason at once, also when it aborted before", async () => {
    const controller = new AbortController();
    const delay = abortableDelay(60_000, controller.signal);
    controller.abort(new Error("enough"));
    await expect(delay).rejects.toThrow("enough");
    await expect(abortableDelay(60_000, controller.signal)).rejects.toThrow("enough");
  });

  it("resolves when the time is over", async () => {
    await expect(abortableDelay(1, new AbortController().signal)).resolves.toBeUndefined();
  });
});

describe("deferred", () => {
  it("settles from outside", async () => {
    const good = deferred<number>();
    good.resolve(1);
    expect(await good.promise).toBe(1);
    const bad = deferred<number>();
    bad.reject(new Error("no"));
    await expect(bad.promise).rejects.toThrow("no");
  });
});

describe("the line log", () => {
  it("writes one JSON object a line, errors as text, info only when asked", () => {
    const lines: string[] = [];
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString());
        done();
      },
    });
    createLineLog(stream, false).info("quiet", {});
    createLineLog(stream, true).info("told", { count: 1 });
    createLineLog(stream, false).error("failed", { err: new Error("a\nb") });
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
      { time: expect.any(String), level: "info", event: "told", count: 1 },
      {
        time: expect.any(String),
        level: "error",
        event: "failed",
        err: expect.stringContaining("Error: a\nb"),
      },
    ]);
    for (const line of lines) expect(line.indexOf("\n")).toBe(line.length - 1);
  });
});
