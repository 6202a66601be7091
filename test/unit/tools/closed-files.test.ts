import { readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ToolBench } from "./tool-bench.ts";

let bench: ToolBench;
beforeEach(() => {
  bench = new ToolBench();
});
afterEach(() => bench.close());

const path = (name: string): string => join(bench.folder, name);

describe("protected paths", () => {
  test("are refused however they are named, to patches and to view_image", async () => {
    const secret = new ToolBench();
    const guarded = new ToolBench({
      protectedPaths: [secret.folder, join(bench.folder, "auth.json")],
    });
    try {
      writeFileSync(join(secret.folder, "key"), "k\n");
      writeFileSync(join(secret.folder, "shot.png"), Buffer.from("89504e470d0a1a0a", "hex"));
      symlinkSync(secret.folder, join(guarded.folder, "link"));
      const names = [
        join(secret.folder, "key"),
        "link/key",
        "link/new",
        join(bench.folder, "auth.json"),
      ];
      for (const name of names) {
        expect(await guarded.patch(`*** Add File: ${name}`, "+x")).toMatch(
          /this host's own secrets/,
        );
      }
      expect(await guarded.patch("*** Update File: link/key", "*** Move to: stolen")).toMatch(
        /own secrets/,
      );
      expect(await guarded.call("view_image", { path: "link/shot.png" })).toMatch(/own secrets/);
      expect(guarded.told).toEqual([]);
      expect(readdirSync(secret.folder).toSorted()).toEqual(["key", "shot.png"]);
    } finally {
      await guarded.close();
      await secret.close();
    }
  });
});

describe("the system's own folders", () => {
  test.each([
    "/proc/self/environ",
    "/proc/self/pagemap",
    "/proc/kmsg",
    "/sys/kernel/notes",
    "/dev/zero",
  ])("%s is refused before it is opened, through a link too", async (named) => {
    symlinkSync(named, path("link"));
    for (const name of [named, "link"]) {
      const told = [
        await bench.patch(`*** Update File: ${name}`, "*** Move to: stolen"),
        await bench.patch(`*** Add File: ${name}`, "+x"),
        await bench.call("view_image", { path: name }),
      ];
      // where the system has no such file the link dangles, and its place is refused all the same
      for (const text of told) expect(text).toMatch(/shows the inside of processes and devices/);
    }
    expect([readdirSync(bench.folder), bench.told]).toEqual([["link"], []]);
  });
});
