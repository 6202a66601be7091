import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ToolBench } from "./tool-bench.ts";

let bench: ToolBench;
beforeEach(() => {
  bench = new ToolBench();
});
afterEach(() => bench.close());

const path = (name: string): string => join(bench.folder, name);
const write = (name: string, content: string | Buffer): void => writeFileSync(path(name), content);
const number: unknown = expect.any(Number);

describe("view_image", () => {
  test.each([
    ["png", "89504e470d0a1a0a00", "image/png"],
    ["jpg", "ffd8ffe000", "image/jpeg"],
    ["gif", "474946383961", "image/gif"],
    ["webp", "524946460000000057454250", "image/webp"],
  ])("hands a %s to the model", async (ending, bytes, mediaType) => {
    write(`p.${ending}`, Buffer.from(bytes, "hex"));
    const url = `data:${mediaType};base64,${Buffer.from(bytes, "hex").toString("base64")}`;
    expect(JSON.parse(await bench.call("view_image", { path: `p.${ending}` }))).toEqual([
      { type: "input_image", image_url: url, detail: "high" },
    ]);
    const item = {
      type: "imageView",
      id: "call_1",
      path: path(`p.${ending}`),
      startedAtMs: number,
    };
    expect(bench.told).toEqual([
      { kind: "started", item: { ...item, completedAtMs: null } },
      { kind: "completed", item: { ...item, completedAtMs: number } },
    ]);
  });

  test("refuses what is no image in a sentence", async () => {
    write("t.png", "text");
    write("big.png", Buffer.alloc(10 * 1024 * 1024 + 1));
    const told: string[] = [];
    for (const name of ["t.png", "nope.png", ".", "big.png"])
      told.push(await bench.call("view_image", { path: name }));
    expect(told).toEqual([
      expect.stringContaining("not a PNG, JPEG, GIF or WebP file"),
      expect.stringContaining(`unable to locate image at \`${path("nope.png")}\``),
      `image path \`${bench.folder}\` is not a file`,
      expect.stringContaining("larger than 10 MB"),
    ]);
    expect(bench.told).toEqual([]);
  });
});
