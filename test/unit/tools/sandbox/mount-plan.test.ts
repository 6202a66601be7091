import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { planMounts } from "../../../../src/tools/sandbox/mount-plan.ts";
import { pipeAt } from "../../../helpers/pipe-at.ts";

let root = "";
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "farhelm-mounts-")));
  for (const folder of ["project/g", "project/common"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const at = (name: string): string => join(root, "project", name);
/** What of the repository may only be read. */
const readOnly = (): readonly string[] =>
  planMounts({
    cwd: at(""),
    rules: {
      rules: [
        { path: "/", access: "read" },
        { path: at(""), access: "write" },
      ],
      deniedGlobs: [],
      globScanMaxDepth: undefined,
    },
    denied: [],
    hidden: [],
    privateTmp: false,
  }).mounts.flatMap(({ kind, path }) =>
    kind === "read" && /\/(?:\.git|g|common)$/.test(path) ? [path] : [],
  );

describe("a repository that lies elsewhere in the project", () => {
  it("is kept with its common folder", () => {
    writeFileSync(at(".git"), "gitdir: g\n");
    writeFileSync(at("g/commondir"), "../common\n");
    expect(readOnly().toSorted()).toEqual([at(".git"), at("common"), at("g")]);
  });

  it("is not waited for where it names its common folder in a pipe", () => {
    writeFileSync(at(".git"), "gitdir: g\n");
    pipeAt(at("g/commondir"), "../common");
    expect(readOnly().toSorted()).toEqual([at(".git"), at("g")]);
  });
});
