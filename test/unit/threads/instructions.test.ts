import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { projectDocs } from "../../../src/threads/instructions.ts";
import { pipeAt } from "../../helpers/pipe-at.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "farhelm-docs-"));
  for (const folder of ["home", "outer/project/.git", "outer/project/a/b"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (folder: string, text: string): string => {
  const path = join(root, folder, "AGENTS.md");
  writeFileSync(path, text);
  return path;
};
const docs = (cwd: string, maxBytes = 1_000) =>
  projectDocs({
    codexHome: join(root, "home"),
    cwd: join(root, cwd),
    rootMarkers: [".git"],
    maxBytes,
    protectedPaths: [join(root, "state"), join(root, "home/auth.json")],
  });

describe("AGENTS.md", () => {
  it("is read from the home, then from the project's root down to the folder, and not above", async () => {
    write("outer", "above");
    const expected = [
      { path: write("home", "home"), text: "home" },
      { path: write("outer/project", "root"), text: "root" },
      { path: write("outer/project/a/b", "leaf"), text: "leaf" },
    ];
    expect(await docs("outer/project/a/b")).toEqual(expected);
    expect(await docs("outer/project")).toEqual(expected.slice(0, 2));
  });

  it("is read from the folder alone where there is no project", async () => {
    write("outer", "outer");
    expect((await docs("outer")).map(({ text }) => text)).toEqual(["outer"]);
  });

  it("is cut at the limit over all files, never inside a character", async () => {
    write("home", "12345");
    write("outer/project", "ab€€");
    write("outer/project/a", "never");
    expect((await docs("outer/project/a", 11)).map(({ text }) => text)).toEqual(["12345", "ab€"]);
  });

  it("may be missing or empty", async () => {
    write("outer/project", "");
    expect(await docs("outer/project/a")).toEqual([]);
    expect(await docs("nowhere")).toEqual([]);
  });

  it("is as good as missing where it leads to the host's own files or out of the project", async () => {
    mkdirSync(join(root, "state"));
    const key = join(root, "state/key");
    const login = join(root, "home/auth.json");
    const outside = join(root, "outer/notes");
    for (const path of [key, login, outside]) writeFileSync(path, "secret");
    const name = join(root, "outer/project/AGENTS.md");
    for (const target of [key, login, outside, join(root, "missing"), name, "/proc/self/environ"]) {
      symlinkSync(target, name);
      expect({ target, docs: await docs("outer/project") }).toEqual({ target, docs: [] });
      unlinkSync(name);
    }
    for (const target of [key, login]) {
      linkSync(target, name);
      expect({ target, docs: await docs("outer/project") }).toEqual({ target, docs: [] });
      unlinkSync(name);
    }
    symlinkSync(login, join(root, "home/AGENTS.md"));
    expect(await docs("outer/project")).toEqual([]);
  });

  it("may be a link within the project, to the home's, or from the home", async () => {
    writeFileSync(join(root, "dotfile"), "home");
    symlinkSync(join(root, "dotfile"), join(root, "home/AGENTS.md"));
    write("outer/project", "root");
    symlinkSync("../AGENTS.md", join(root, "outer/project/a/AGENTS.md"));
    expect((await docs("outer/project/a")).map(({ text }) => text)).toEqual([
      "home",
      "root",
      "root",
    ]);
    rmSync(join(root, "home/AGENTS.md"));
    write("home", "home");
    rmSync(join(root, "outer/project/AGENTS.md"));
    symlinkSync(join(root, "home/AGENTS.md"), join(root, "outer/project/AGENTS.md"));
    expect((await docs("outer/project")).map(({ text }) => text)).toEqual(["home", "home"]);
  });

  it("is not waited for where it is a pipe", async () => {
    pipeAt(join(root, "outer/project/AGENTS.md"), "late");
    expect(await docs("outer/project")).toEqual([]);
  });
});
