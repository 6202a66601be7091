import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { wrap } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Script } from "node:vm";
import { parseSync } from "oxc-parser";
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

  describe("and the code that its build kept", () => {
    const kept = readdirSync(join(root, "dist")).filter((name) => name.endsWith(".js.code"));

    test("is of all that a start loads, and this Node takes it", () => {
      const refused = kept.filter((name) => {
        const file = join(root, "dist", basename(name, ".code"));
        // behind its digest
        const cachedData = readFileSync(join(root, "dist", name)).subarray(32);
        const script = new Script(wrap(readFileSync(file, "utf8")), { filename: file, cachedData });
        return script.cachedDataRejected !== false;
      });
      expect(refused).toEqual([]);
      expect(kept.map((name) => name.replace(/(?:-[\w-]{8})?\.js\.code$/, ""))).toEqual(
        expect.arrayContaining(["host", "program", "up", "app", "features", "open-store"]),
      );
    });

    test("is of scripts without import(), which would find no loader", () => {
      const importing = readdirSync(join(root, "dist")).filter((name) => {
        if (!name.endsWith(".js")) return false;
        const { module, program } = parseSync(
          name,
          readFileSync(join(root, "dist", name), "utf8"),
          {
            sourceType: "script",
          },
        );
        expect(program.body.length).toBeGreaterThan(0);
        return module.dynamicImports.length > 0;
      });
      expect(importing).toEqual([]);
    });

    test.each([
      ["damaged", (text: Buffer) => text.fill(7, text.length / 2)],
      ["cut off", (text: Buffer) => text.subarray(0, text.length / 2)],
      ["of another program", () => Buffer.from("not code")],
    ])("%s: the program runs as it does without", (_name, harm) => {
      const clone = mkdtempSync(join(home, "clone-"));
      mkdirSync(join(clone, "dist"));
      for (const name of readdirSync(join(root, "dist"))) {
        if (/\.(?:js|code|json)$/.test(name))
          cpSync(join(root, "dist", name), join(clone, "dist", name));
      }
      cpSync(join(root, "package.json"), join(clone, "package.json"));
      symlinkSync(join(root, "node_modules"), join(clone, "node_modules"));
      for (const name of kept) {
        const file = join(clone, "dist", name);
        writeFileSync(file, harm(readFileSync(file)));
      }
      const outcome = { code: 0, out: `${version}\n`, err: "" };
      expect(run(join(clone, "dist/main.js"), ["--version"])).toEqual(outcome);
    });
  });
});
