import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { root } from "./tree.ts";

const Manifest = z.looseObject({
  name: z.string(),
  version: z.string(),
  license: z.union([z.string(), z.looseObject({ type: z.string() })]).optional(),
  engines: z.looseObject({ node: z.string().optional() }).optional(),
});

const Pins = z.record(z.string(), z.string());

const Project = Manifest.extend({
  dependencies: Pins,
  devDependencies: Pins,
  overrides: Pins,
  scripts: Pins,
});

const Lock = z.looseObject({
  packages: z.record(
    z.string(),
    z.looseObject({
      version: z.string().optional(),
      integrity: z.string().optional(),
      hasInstallScript: z.boolean().optional(),
      optional: z.boolean().optional(),
    }),
  ),
});

const json = (path: string): unknown => JSON.parse(readFileSync(join(root, path), "utf8"));
const project = Project.parse(json("package.json"));
const lock = Lock.parse(json("package-lock.json"));
const locked = Object.entries(lock.packages).filter(([path]) => path !== "");
const installed = locked
  .filter(([path]) => existsSync(join(root, path, "package.json")))
  .map(([path]) => ({ path, manifest: Manifest.parse(json(join(path, "package.json"))) }));

const exact = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;

/** May be used by an Apache-2.0 project without further duties than naming them. */
const licences = new Set([
  "MIT",
  "ISC",
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "(MPL-2.0 OR Apache-2.0)",
]);

/** Weak copyleft by file: fine for tools of the build, which nobody gets with the product. */
const toolsOnly = new Set(["MPL-2.0"]);

const refused = (licence: string, dev: boolean): boolean =>
  !licences.has(licence) && !(dev && toolsOnly.has(licence));

describe("packages", () => {
  test("every version is pinned exactly", () => {
    const pins = Object.entries({
      ...project.dependencies,
      ...project.devDependencies,
      ...project.overrides,
    });
    expect(pins.length).toBeGreaterThan(30);
    expect(pins.filter(([, version]) => !exact.test(version))).toEqual([]);
  });

  test.each(["^1.2.3", "~1.2.3", ">=1", "*", "latest", "1.x", "git+https://h/x.git"])(
    "%s is no pin",
    (version) => {
      expect(exact.test(version)).toBe(false);
    },
  );

  test("the lock file agrees with package.json", () => {
    const { "": top } = lock.packages;
    expect(top).toMatchObject({
      version: project.version,
      dependencies: project.dependencies,
      devDependencies: project.devDependencies,
    });
  });

  test("what is installed here was checked against a hash", () => {
    expect(installed.length).toBeGreaterThan(100);
    const unchecked = installed.filter(({ path }) => !lock.packages[path]?.integrity);
    expect(unchecked.map(({ path }) => path)).toEqual([]);
  });

  test("nothing needs to run when it is installed: no compiler, no download", () => {
    const wanting = locked.filter(([, entry]) => entry.hasInstallScript && !entry.optional);
    // its script compiles a part for Node; what is used is the WebAssembly that lies ready in the package
    expect(wanting.map(([path]) => path)).toEqual(["node_modules/tree-sitter-bash"]);
    expect(existsSync(join(root, "node_modules/tree-sitter-bash/tree-sitter-bash.wasm"))).toBe(
      true,
    );
  });

  test("every licence is one that may be used", () => {
    const faults = installed.flatMap(({ path, manifest }) => {
      const { license } = manifest;
      const licence = typeof license === "object" ? license.type : (license ?? "none");
      return refused(licence, lock.packages[path]?.["dev"] === true) ? `${path}: ${licence}` : [];
    });
    expect(faults).toEqual([]);
  });

  test.each([
    ["GPL-3.0", true],
    ["UNLICENSED", true],
    ["none", true],
    ["MPL-2.0", false],
  ])("%s is refused (as a tool: %s)", (licence, dev) => {
    expect(refused(licence, dev)).toBe(true);
  });

  test("the suite, the gates and the product have the names that people use", () => {
    expect(Object.keys(project.scripts)).toEqual(
      expect.arrayContaining(["start", "test", "test:long", "build", "check", "format"]),
    );
    expect(project.scripts["check"]).toBe(
      "npm run format:check && npm run typecheck && npm run lint && npm run layers && npm run dead",
    );
  });
});
