import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../architecture/tree.ts";

/** The program as it was built: `npm test` builds it first. */
const main = join(root, "dist/main.js");

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "farhelm-program-"));
});
afterAll(() => {
  rmSync(home, { recursive: true });
});

function run(
  command: string,
  args: readonly string[],
): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    env: { PATH: process.env["PATH"], HOME: home, npm_config_update_notifier: "false" },
  });
  return { code: status, out: stdout, err: stderr };
}

describe("the program", () => {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

  test("runs by itself and through node", () => {
    expect(statSync(main).mode & 0o111).toBe(0o111);
    const outcome = { code: 0, out: `${version}\n`, err: "" };
    expect(run(main, ["--version"])).toEqual(outcome);
    expect(run(process.execPath, [main, "--version"])).toEqual(outcome);
  });

  test("npx finds it in a clone, without a question and without the network", () => {
    expect(run("npx", ["--offline", "farhelm", "--version"])).toMatchObject({
      code: 0,
      out: `${version}\n`,
    });
  });

  test("without a host, a command exits 1 with one sentence", () => {
    expect(run(main, ["pair"])).toEqual({
      code: 1,
      out: "",
      err: `farhelm: No host is running for FARHELM_HOME=${join(home, ".farhelm")}; start it with "npm start" or "npx farhelm up".\n`,
    });
  });
});
