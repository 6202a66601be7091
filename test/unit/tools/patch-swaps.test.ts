/** Folders that are swapped for links while a tool works: what was judged is what is used. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parsePatch } from "../../../src/tools/patch-grammar.ts";
import { PatchJournal } from "../../../src/tools/patch-journal.ts";
import { type PlannedFile, planPatch } from "../../../src/tools/patch-plan.ts";
import { writePatch } from "../../../src/tools/patch-write.ts";
import { viewImage } from "../../../src/tools/view-image.ts";
import { ToolBench } from "./tool-bench.ts";

const png = Buffer.from("89504e470d0a1a0a00", "hex");
const secretPng = Buffer.concat([png, Buffer.from("secret")]);
let bench: ToolBench;
let outside: ToolBench;
const path = (name: string): string => join(bench.folder, name);

beforeEach(() => {
  outside = new ToolBench();
  bench = new ToolBench({
    protectedPaths: ["d/auth.json", "d/shot.png"].map((name) => join(outside.folder, name)),
  });
  mkdirSync(path("top/d"), { recursive: true });
  writeFileSync(path("top/d/auth.json"), "harmless\n");
  writeFileSync(path("top/d/shot.png"), png);
  mkdirSync(join(outside.folder, "d"));
  writeFileSync(join(outside.folder, "d/auth.json"), "secret\n");
  writeFileSync(join(outside.folder, "d/shot.png"), secretPng);
});
afterEach(async () => {
  await bench.close();
  await outside.close();
});

const journal = new PatchJournal(undefined, { warn: () => undefined });
/** The folder itself becomes a link to one of the same name, or the one above it does. */
const swaps = {
  above: (): void => {
    renameSync(path("top"), path("aside"));
    symlinkSync(outside.folder, path("top"));
  },
  itself: (): void => {
    renameSync(path("top/d"), path("aside"));
    symlinkSync(join(outside.folder, "d"), path("top/d"));
  },
};
const planned = (lines: readonly string[], whyClosed = () => undefined): readonly PlannedFile[] =>
  planPatch(
    parsePatch(["*** Begin Patch", ...lines, "*** End Patch"].join("\n")),
    bench.folder,
    whyClosed,
  );
/** Closes nothing, and does something after the look at the path. */
const meanwhile = (deed: () => void) => {
  let isDone = false;
  return () => {
    if (!isDone) deed();
    isDone = true;
    return undefined;
  };
};
const outsideNow = (): unknown =>
  ["", "d"].map((name) => readdirSync(join(outside.folder, name)).toSorted());
const outsideAtFirst = [["d"], ["auth.json", "shot.png"]];
const expectOutsideUntouched = (): void => {
  expect(outsideNow()).toEqual(outsideAtFirst);
  expect(readFileSync(join(outside.folder, "d/auth.json"), "utf8")).toBe("secret\n");
};

describe.each(["above", "itself"] as const)("a folder that becomes a link (%s)", (which) => {
  const swap = swaps[which];

  test.each([
    ["a new file", ["*** Add File: top/d/pwn.txt", "+x"]],
    ["a new folder", ["*** Add File: top/d/sub/deep/pwn.txt", "+x"]],
    ["a changed file", ["*** Update File: top/d/auth.json", "@@", "-harmless", "+x"]],
    ["a file that goes", ["*** Delete File: top/d/auth.json"]],
    ["the target of a move", ["*** Update File: top/d/auth.json", "*** Move to: top/d/moved"]],
  ])("after the judgement gets nothing: %s", (_what, lines) => {
    const files = planned(["*** Add File: new/first.txt", "+x", ...lines]);
    swap();
    expect(() => writePatch(files, journal)).toThrow(
      which === "above" ? / was moved or replaced meanwhile$/ : /^ENOTDIR: /,
    );
    expectOutsideUntouched();
    expect(readdirSync(bench.folder).toSorted()).toEqual(["aside", "top"]);
  });

  test("before the reading gives nothing away to a patch", () => {
    const lines = ["*** Update File: top/d/auth.json", "*** Move to: leak.txt"];
    expect(() => planned(lines, meanwhile(swap))).toThrow(/auth\.json changed while it was read/);
  });

  test("before the reading gives nothing away to view_image", async () => {
    const call = { callId: "c", name: "view_image", kind: "function", namespace: null } as const;
    const input = JSON.stringify({ path: "top/d/shot.png" });
    await expect(
      viewImage({ ...call, arguments: input }, bench.context(), () => meanwhile(swap)),
    ).rejects.toThrow(/shot\.png` changed while it was read/);
  });
});

test("a file that becomes a pipe is not waited for", () => {
  const becomesPipe = meanwhile(() => {
    rmSync(path("top/d/auth.json"));
    execFileSync("mkfifo", [path("top/d/auth.json")]);
  });
  expect(() => planned(["*** Delete File: top/d/auth.json"], becomesPipe)).toThrow(
    /is not a regular file/,
  );
});

test.runIf(process.platform === "linux")(
  "what the kernel makes up at reading is no file (needs Linux)",
  () => {
    for (const name of ["/proc/self/environ", "/proc/self/pagemap"])
      expect(() => planned([`*** Delete File: ${name}`])).toThrow(
        /changed while it was read|EINVAL/,
      );
  },
);

/** The number of renameat2, by which two names change places at once. */
const renameat2 = new Map([
  ["x64", 316],
  ["arm64", 276],
]).get(process.arch);
const seed = 20_261;
const swapper = `
my ($number, $one, $two) = @ARGV; $number += 0;
srand(${seed}); $| = 1; print "on\\n";
while (1) { syscall($number, -100, $one, -100, $two, 2); select(undef, undef, undef, rand() / 2000) }`;
const raceMs = 3000;

test.runIf(process.platform === "linux" && renameat2 !== undefined)(
  "a command that swaps as often as it can gets nothing out and nothing in (needs renameat2)",
  async () => {
    bench.approvalPolicy = "never";
    bench.sandboxPolicy = {
      type: "workspaceWrite",
      writableRoots: [],
      networkAccess: false,
      excludeSlashTmp: true,
      excludeTmpdirEnvVar: true,
    };
    symlinkSync(join(outside.folder, "d"), path("link"));
    // the way to the true folder, whatever its name is
    const fd = openSync(path("top/d"), "r");
    const inFolder = `/proc/self/fd/${fd}`;
    const child = spawn("perl", ["-e", swapper, String(renameat2), path("top/d"), path("link")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    const came = { harmless: 0, refused: 0, secret: 0 };
    try {
      await once(child.stdout, "data");
      const endMs = performance.now() + raceMs;
      while (performance.now() < endMs) {
        writeFileSync(join(inFolder, "auth.json"), "harmless\n");
        const told = [
          await bench.patch("*** Add File: top/d/pwn.txt", "+x"),
          await bench.patch("*** Update File: top/d/auth.json", "*** Move to: leak.txt"),
          await bench.call("view_image", { path: "top/d/shot.png" }),
        ];
        const leaked = readdirSync(bench.folder).includes("leak.txt")
          ? readFileSync(path("leak.txt"), "utf8")
          : "";
        if (leaked.includes("secret") || told[2]?.includes(secretPng.toString("base64")))
          came.secret++;
        const good = told.filter((text) => /^Exit code: 0|input_image/.test(text)).length;
        came.harmless += good;
        came.refused += told.length - good;
        rmSync(path("leak.txt"), { force: true });
      }
    } finally {
      child.kill("SIGKILL");
      await ended;
      closeSync(fd);
    }
    expectOutsideUntouched();
    expect(came).toEqual({
      harmless: expect.any(Number),
      refused: expect.any(Number),
      secret: 0,
    });
    // the folder was met as itself and as a link
    expect([came.harmless > 0, came.refused > 0]).toEqual([true, true]);
  },
  60_000,
);
