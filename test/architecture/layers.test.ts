import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fault, importsIn, sources } from "./imports.ts";
import { ground, homes, layers, typesAnywhere } from "./layers.ts";

const rules = { layers, ground, homes, typesAnywhere };
const src = join(import.meta.dirname, "../../src");
const files = sources(src);

const faultsOf = (file: string, source: string): string[] =>
  importsIn(file, source).flatMap((found) => fault(rules, file, found) ?? []);

describe("layers", () => {
  test("the scan sees the tree and its imports", () => {
    expect(files.length).toBeGreaterThan(25);
    expect(files.flatMap(({ file, source }) => importsIn(file, source)).length).toBeGreaterThan(50);
    expect(files.map(({ file }) => file)).toContain("dispatch/define.ts");
  });

  test("no file imports what its room may not", () => {
    expect(files.flatMap(({ file, source }) => faultsOf(file, source))).toEqual([]);
  });

  test("relative imports name the file, ending included", () => {
    const missing = files.flatMap(({ file, source }) =>
      importsIn(file, source)
        .filter(({ specifier }) => specifier.startsWith("."))
        .filter(({ specifier }) => !existsSync(join(src, file, "..", specifier)))
        .map(({ specifier }) => `${file}: ${specifier}`),
    );
    expect(missing).toEqual([]);
  });

  test.each([
    [
      "a feature that reaches into threads",
      "features/x.ts",
      'import { m } from "../threads/a.ts";',
    ],
    ["a type-only import of a package", "session/x.ts", 'import type { WebSocket } from "ws";'],
    ["a value of a package", "dispatch/x.ts", 'import { z } from "zod";'],
    ["a part of a package", "auth/x.ts", 'import { p256 } from "@noble/curves/nist.js";'],
    ["a type-only import of a room", "store/x.ts", 'import type { T } from "../threads/port.ts";'],
    ["a re-export", "protocol/x.ts", 'export { d } from "../dispatch/define.ts";'],
    ["a star re-export", "protocol/x.ts", 'export * from "../util/unreachable.ts";'],
    ["a dynamic import", "cli/x.ts", 'await import("../app.ts");'],
    ["a bare import", "model/x.ts", 'import "../store/local.ts";'],
    ["a value where types are allowed", "client/x.ts", 'import { a } from "../features/a.ts";'],
    [
      "a mixed import where types are allowed",
      "client/x.ts",
      'import { a, type B } from "../features/a.ts";',
    ],
    [
      "a .tsx file",
      "dashboard/x.tsx",
      'import { a } from "../session/a.ts"; export const x = <a />;',
    ],
    [
      "a port that its row does not name",
      "session/x.ts",
      'import type { T } from "../threads/side-port.ts";',
    ],
    ["a file that only sounds like a port", "dispatch/x.ts", 'import "../threads/report.ts";'],
    ["a file outside src", "util/x.ts", 'import { a } from "../../test/a.ts";'],
    ["a room without a row", "shed/x.ts", 'import { a } from "../util/a.ts";'],
  ])("refuses %s", (_what, file, source) => {
    expect(faultsOf(file, source)).toEqual([expect.stringContaining(file)]);
  });

  test("refuses a computed import, which nobody could check", () => {
    expect(() => importsIn("cli/x.ts", "const a = './a.ts'; await import(a);")).toThrow("literal");
  });

  test.each([
    ["ports", "features/x.ts", 'import type { T } from "../threads/port.ts";'],
    ["a second port", "features/x.ts", 'import type { T } from "../threads/side-port.ts";'],
    ["the ground", "store/x.ts", 'import { T } from "../protocol/thread.ts";'],
    ["its own room", "store/x.ts", 'import { T } from "./local/y.ts";'],
    [
      "types of features in the client",
      "client/x.ts",
      'import type { R } from "../features/all.ts";',
    ],
    ["anything in app", "app.ts", 'import { R } from "./threads/manager.ts";'],
    ["anything in the folder of app", "app/x.ts", 'import { R } from "../threads/manager.ts";'],
    ["types of zod", "dispatch/x.ts", 'import type { z } from "zod";'],
    ["built-ins", "store/x.ts", 'import { join } from "node:path";'],
  ])("lets %s through", (_what, file, source) => {
    expect(faultsOf(file, source)).toEqual([]);
  });
});
