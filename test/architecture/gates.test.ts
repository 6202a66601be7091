import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { root } from "./tree.ts";

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "farhelm-gate-"));
  for (const name of [".oxlintrc.json", ".oxfmtrc.json", "tsconfig.json", "knip.json"])
    copyFileSync(join(root, name), join(project, name));
  symlinkSync(join(root, "node_modules"), join(project, "node_modules"));
});
afterEach(() => {
  rmSync(project, { recursive: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(project, path)), { recursive: true });
  writeFileSync(join(project, path), text);
}

/** Runs a gate's tool, as `npm run check` does, on the small project. */
function gate(tool: string, ...args: readonly string[]): { passed: boolean; said: string } {
  const { status, stdout, stderr, error } = spawnSync(join(root, "node_modules/.bin", tool), args, {
    cwd: project,
    encoding: "utf8",
  });
  if (error) throw error;
  return { passed: status === 0, said: stdout + stderr };
}

const gates = {
  format: () => gate("oxfmt", "--check", "src"),
  types: () => gate("tsc", "--noEmit"),
  lint: () => gate("oxlint", "--type-aware", "--deny-warnings", "src"),
  dead: () => gate("knip"),
};

const manifest = (dependencies: object): string =>
  JSON.stringify({
    name: "seeded",
    private: true,
    type: "module",
    bin: "dist/main.js",
    dependencies,
  });

describe("each gate catches a seeded fault", () => {
  test("and lets a clean project through", () => {
    write("package.json", manifest({}));
    write("src/main.ts", "process.exitCode = 1;\n");
    const outcomes = Object.entries(gates).map(([name, run]) => [name, run().passed]);
    expect(outcomes).toEqual(Object.keys(gates).map((name) => [name, true]));
  });

  test("format: a line laid out by hand", () => {
    write("src/main.ts", "export const  a = {b:1}\n");
    expect(gates.format()).toMatchObject({
      passed: false,
      said: expect.stringContaining("main.ts"),
    });
  });

  test.each([
    ["a wrong type", "export const a: string = 1;", "TS2322"],
    ["an index taken for granted", "export const a = (b: string[]): string => b[0];", "TS2322"],
    [
      "undefined for an optional member",
      "export const a: { b?: string } = { b: undefined };",
      "TS2375",
    ],
    ["an enum", "export enum A { b }", "TS1294"],
  ])("types: %s", (_what, source, code) => {
    write("src/main.ts", source);
    expect(gates.types()).toMatchObject({ passed: false, said: expect.stringContaining(code) });
  });

  test("lint: every rule of the house", () => {
    const faults = {
      "no-explicit-any": "export const a = (b: any): void => void b;",
      "consistent-type-assertions": "export const a = JSON.parse('1') as number;",
      "no-non-null-assertion": "export const a = (b?: string): string => b!;",
      "no-floating-promises": "export const a = (): void => { Promise.resolve(1); };",
      "consistent-type-imports":
        "import { Socket } from 'node:net'; export const a = (b: Socket) => typeof b;",
      "switch-exhaustiveness-check":
        "export function a(b: 'x' | 'y'): void { switch (b) { case 'x': return; } }",
      "no-default-export": "export default 1;",
      "no-console": "console.log(1);",
      eqeqeq: "export const a = (b: unknown) => b == 1;",
      "max-lines": `export const a = [\n${"1,\n".repeat(401)}];`,
      "max-lines-per-function": `export function a(b: number[]): void {\n${"b.push(1);\n".repeat(81)}}`,
      complexity: `export const a = (b: number): number => ${"b > 1 ? 2 : ".repeat(15)} 3;`,
    };
    for (const [rule, source] of Object.entries(faults)) write(`src/${rule}.ts`, `${source}\n`);
    const { passed, said } = gates.lint();
    const caught = Object.keys(faults).filter((rule) =>
      said.split("\n").some((line) => line.includes(`(${rule})`)),
    );
    expect({ passed, caught }).toEqual({ passed: false, caught: Object.keys(faults) });
  });

  test("lint: a type made constant is no assertion", () => {
    write("src/main.ts", 'export const a = ["x"] as const;\n');
    expect(gates.lint()).toMatchObject({ passed: true });
  });

  test("dead code: an export, a file and a dependency that nobody uses", () => {
    write("package.json", manifest({ zod: "4.6.7" }));
    write("src/main.ts", 'import { used } from "./part.ts";\nused();\n');
    write("src/part.ts", "export const used = () => {};\nexport const forgotten = 1;\n");
    write("src/lost.ts", "export const lost = 1;\n");
    const { passed, said } = gates.dead();
    expect({ passed, said }).toEqual({
      passed: false,
      said: expect.stringMatching(/lost\.ts[^]*zod[^]*forgotten/),
    });
  });
});
