import { linkSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { otherNames } from "../../../../src/tools/sandbox/denied-files.ts";

let root = "";
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "farhelm-denied-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Makes and removes files and folders there, as a database does with its journals, until it is ended. */
async function comingAndGoing(folder: string): Promise<Worker> {
  const worker = new Worker(
    `const { parentPort, workerData } = require("node:worker_threads");
const { mkdirSync, rmdirSync, unlinkSync, writeFileSync } = require("node:fs");
parentPort.postMessage("begun");
const nameOf = (at) => workerData + "/" + (at % 16);
for (let at = 0; ; at += 1) {
  mkdirSync(nameOf(at) + "-folder");
  writeFileSync(nameOf(at), "");
  if (at < 8) continue;
  unlinkSync(nameOf(at - 8));
  rmdirSync(nameOf(at - 8) + "-folder");
}`,
    { eval: true, workerData: folder },
  );
  await new Promise((resolve) => worker.once("message", resolve));
  return worker;
}

describe("other names of files that are kept away", () => {
  it("are found while other files come and go", async () => {
    const kept = join(root, "kept");
    writeFileSync(kept, "secret");
    linkSync(kept, join(root, "other"));
    // they take a while to look at, in which others go
    for (let at = 0; at < 500; at += 1) writeFileSync(join(root, `still-${at}`), "");
    const worker = await comingAndGoing(root);
    try {
      for (let left = 20; left > 0; left -= 1) {
        expect((await otherNames([root], [root])).toSorted()).toEqual([kept, join(root, "other")]);
      }
    } finally {
      await worker.terminate();
    }
  });

  it("refuse the command where one of them is not found", async () => {
    const kept = join(root, "kept");
    const outside = mkdtempSync(join(tmpdir(), "farhelm-denied-"));
    onTestFinished(() => rmSync(outside, { recursive: true, force: true }));
    writeFileSync(kept, "secret");
    linkSync(kept, join(outside, "other"));
    await expect(otherNames([kept], [root])).rejects.toThrow(/has another name/);
  });
});
