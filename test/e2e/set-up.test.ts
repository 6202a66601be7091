import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { root } from "../architecture/tree.ts";

const lock = {
  packages: { "": {}, "node_modules/a": { version: "1.0.0", integrity: "sha512-a" } },
};

let clone: string;
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), "farhelm-set-up-"));
  cpSync(join(root, "scripts"), join(clone, "scripts"), { recursive: true });
  for (const name of ["package.json", "tsconfig.json"]) write(name, "{}");
  write("package-lock.json", JSON.stringify(lock));
  write("src/main.ts", "export {};");
  fakeNpm(`
    const { mkdirSync, writeFileSync } = require("node:fs");
    mkdirSync("node_modules/vite/bin", { recursive: true });
    writeFileSync("node_modules/vite/bin/vite.js", \`
      const { appendFileSync, mkdirSync, writeFileSync } = require("node:fs");
      const [, , , , config, , folder] = process.argv;
      const what = config.includes("dashboard") ? "dashboard" : "host";
      appendFileSync("log", what + "\\\\n");
      mkdirSync(folder, { recursive: true });
      if (what === "host") writeFileSync(folder + "/main.js", "");
    \`);
    mkdirSync("node_modules/tree-sitter-bash");
    writeFileSync("node_modules/tree-sitter-bash/tree-sitter-bash.wasm", "");
    writeFileSync("node_modules/.package-lock.json", ${JSON.stringify(JSON.stringify(lock))});
  `);
});
afterEach(() => {
  rmSync(clone, { recursive: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(clone, path)), { recursive: true });
  writeFileSync(join(clone, path), text);
}

/** An npm that keeps what it was asked, then does `effect`. */
const fakeNpm = (effect: string): void =>
  write(
    "npm/npm-cli.js",
    `require("node:fs").appendFileSync("log", "npm " + process.argv.slice(2).join(" ") + "\\n");\n${effect}`,
  );

interface Outcome {
  readonly code: number | null;
  readonly said: string;
  /** What ran since the last time; what is built at once in the order of its names. */
  readonly ran: readonly string[];
}

function setUp(...nodeFlags: readonly string[]): Outcome {
  write("log", "");
  const { status, stderr } = spawnSync(
    process.execPath,
    [...nodeFlags, join(clone, "scripts/prestart.mjs")],
    {
      cwd: clone,
      encoding: "utf8",
      env: {
        PATH: process.env["PATH"],
        HOME: clone,
        NODE_ENV: "production",
        npm_execpath: join(clone, "npm/npm-cli.js"),
      },
    },
  );
  const ran = readFileSync(join(clone, "log"), "utf8").split("\n").filter(Boolean);
  return { code: status, said: stderr, ran: ran.toSorted((a, b) => rank(a) - rank(b)) };
}

const rank = (step: string): number => ["dashboard", "host"].indexOf(step);

const sentence = ({ said }: Outcome): string => said.trimEnd().split("\n").at(-1) ?? "";

const built = ["dashboard", "host"];
const ci = "npm ci --include=dev --ignore-scripts --no-audit --no-fund";

describe("set-up of a fresh clone", () => {
  test("installs with what builds, builds, and shows progress", () => {
    const { code, said, ran } = setUp();
    expect({ code, ran }).toEqual({ code: 0, ran: [ci, ...built] });
    expect(said).toMatch(/Installing dependencies …[^]*done in[^]*Building the host …[^]*done in/);
    expect(statSync(join(clone, "dist/main.js")).mode & 0o111).toBe(0o111);
  });

  test("a second time does nothing and says nothing", () => {
    setUp();
    expect(setUp()).toEqual({ code: 0, said: "", ran: [] });
  });

  test.each([
    ["a changed source builds", "src/main.ts", "export const a = 1;", [...built]],
    ["a new source builds", "src/part.ts", "export const a = 1;", [...built]],
    ["the same text written again does nothing", "src/main.ts", "export {};", []],
  ])("%s", (_what, file, text, ran) => {
    setUp();
    write(file, text);
    expect(setUp()).toMatchObject({ code: 0, ran });
  });

  test("a removed source builds", () => {
    write("src/part.ts", "");
    setUp();
    rmSync(join(clone, "src/part.ts"));
    expect(setUp().ran).toEqual(built);
  });

  test("a lock file that wants another version installs", () => {
    setUp();
    write("package-lock.json", JSON.stringify(lock).replace("1.0.0", "1.0.1"));
    expect(setUp().ran[0]).toBe(ci);
  });

  test("an install that was broken off is done again", () => {
    setUp();
    rmSync(join(clone, "node_modules/.package-lock.json"));
    expect(setUp().ran[0]).toBe(ci);
  });

  test("packages for other systems are not missed", () => {
    const other = { version: "1.0.0", optional: true, os: ["plan9"], cpu: ["mips"] };
    const packages = { ...lock.packages, "node_modules/other": other };
    write("package-lock.json", JSON.stringify({ packages }));
    setUp();
    expect(setUp().ran).toEqual([]);
  });
});

describe("when something is in the way, set-up says so in one sentence", () => {
  test("Node is too old", () => {
    write("old.cjs", "Object.defineProperty(process, 'versions', { value: { node: '18.20.4' } });");
    expect(setUp("--require", join(clone, "old.cjs"))).toEqual({
      code: 1,
      said: "farhelm: Node 18.20.4 is too old; install Node 20.19 or newer (https://nodejs.org/en/download) and run this again.\n",
      ran: [],
    });
  });

  test.each([
    ["npm error code ENOSPC", "The disk is full; free about 500 MB"],
    ["npm error code EAI_AGAIN", "npm cannot reach its registry; check the network"],
    ["npm error code EACCES", "A folder cannot be written"],
    ["npm error code EUSAGE", "package-lock.json does not fit package.json"],
  ])("%s", (text, start) => {
    fakeNpm(`console.error(${JSON.stringify(text)}); process.exit(1);`);
    const outcome = setUp();
    expect({ code: outcome.code, ran: outcome.ran }).toEqual({ code: 1, ran: [ci] });
    expect(sentence(outcome)).toMatch(new RegExp(`^farhelm: ${start}.*\\.$`));
    expect(outcome.said).not.toContain("npm error");
  });

  test("npm fails in a way that nobody foresaw: its own words are shown", () => {
    fakeNpm("console.error('the moon is full'); process.exit(7);");
    const outcome = setUp();
    expect(outcome.said).toContain("the moon is full");
    expect(sentence(outcome)).toBe(
      "farhelm: Installing dependencies failed (exit 7); what it said stands above.",
    );
  });

  test("sources do not build: what the bundler said is shown, and nothing counts as built", () => {
    setUp();
    write("src/main.ts", "broken");
    write("node_modules/vite/bin/vite.js", "console.log('main.ts(1,1): no'); process.exit(2);");
    const outcome = setUp();
    expect(outcome).toMatchObject({ code: 1, said: expect.stringContaining("main.ts(1,1): no") });
    expect(readdirSync(clone).filter((name) => name.startsWith("dist"))).toEqual(["dist"]);
    expect(setUp().code).toBe(1);
  });

  test.skipIf(process.getuid?.() === 0)(
    "the clone cannot be written (needs a user who is not root)",
    () => {
      setUp();
      write("src/main.ts", "changed");
      chmodSync(clone, 0o500);
      const outcome = setUp();
      chmodSync(clone, 0o700);
      expect(sentence(outcome)).toContain("cannot be written");
    },
  );
});
