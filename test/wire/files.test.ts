/** `fs/…`: what clients do with the files of a host, over real sockets. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { HostClient, startOn, stopHosts, temporaryHomes } from "../helpers/running-host.ts";

afterEach(stopHosts);

async function bench() {
  const homes = temporaryHomes("");
  await startOn(homes);
  const client = await HostClient.connect(homes);
  const at = (name: string): string => join(homes.cwd, name);
  return {
    homes,
    client,
    at,
    put: (name: string, text: string, mode = 0o644): void => {
      mkdirSync(dirname(at(name)), { recursive: true });
      writeFileSync(at(name), text, { mode });
    },
    text: (name: string): string => readFileSync(at(name), "utf8"),
    mode: (name: string): number => statSync(at(name)).mode & 0o777,
    /** The answer, or what the error says. */
    said: (method: string, params: object): Promise<unknown> =>
      client.call(`fs/${method}`, params).catch((error: Error) => error.message),
  };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("writing a file", () => {
  test("replaces it in one step, keeps its mode, and leaves nothing beside it", async () => {
    const { at, put, said, text, mode, homes } = await bench();
    put("run.sh", "old", 0o755);
    const other = at("other-name");
    linkSync(at("run.sh"), other);
    expect(await said("writeFile", { path: at("run.sh"), dataBase64: base64("new") })).toEqual({});
    expect(await said("writeFile", { path: at("fresh"), dataBase64: base64("") })).toEqual({});
    expect([text("run.sh"), mode("run.sh"), text("fresh"), readFileSync(other, "utf8")]).toEqual([
      "new",
      0o755,
      "",
      "old",
    ]);
    expect(readdirSync(homes.cwd).toSorted()).toEqual(["fresh", "other-name", "run.sh"]);
    const journal = join(homes.farhelmHome, "patches");
    expect(existsSync(journal) ? readdirSync(journal) : []).toEqual([]);
  });

  test("goes through links, dangling ones too, and the links stay", async () => {
    const { at, put, said, text } = await bench();
    put("target", "1");
    symlinkSync("target", at("link"));
    symlinkSync("later", at("dangling"));
    symlinkSync("loop", at("loop"));
    const write = (name: string) => said("writeFile", { path: at(name), dataBase64: base64("2") });
    expect(await write("link")).toEqual({});
    expect(await write("dangling")).toEqual({});
    expect(await write("loop")).toBe("-32603 Symbolic link loop (os error 40)");
    expect([text("target"), text("later"), readlinkSync(at("link"))]).toEqual(["2", "2", "target"]);
  });

  test("happens only where the file holds what the caller expects", async () => {
    const { at, put, client, text } = await bench();
    put("a", "one");
    const write = (path: string, expectedSha256: string): Promise<unknown> =>
      client
        .call("fs/writeFile", { path: at(path), dataBase64: base64("two"), expectedSha256 })
        .catch((error: Error) => error.cause);
    expect(await write("a", sha256("other"))).toMatchObject({
      data: { reason: "content_changed", sha256: sha256("one") },
    });
    expect(await write("a", "absent")).toMatchObject({
      data: { reason: "content_changed", sha256: sha256("one") },
    });
    expect(await write("b", sha256("one"))).toMatchObject({
      data: { reason: "content_changed", sha256: null },
    });
    expect([text("a"), existsSync(at("b"))]).toEqual(["one", false]);
    expect(await write("a", sha256("one"))).toEqual({});
    expect(await write("b", "absent")).toEqual({});
    expect([text("a"), text("b")]).toEqual(["two", "two"]);
    expect(await write("b", "zz")).toMatchObject({
      message: expect.stringContaining("expectedSha256"),
    });
  });

  test("of many who expect the same, one wins", async () => {
    const { at, put, client, text } = await bench();
    put("a", "0");
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        client
          .call("fs/writeFile", {
            path: at("a"),
            dataBase64: base64(`by ${index}`),
            expectedSha256: sha256("0"),
          })
          .then(
            () => index,
            () => undefined,
          ),
      ),
    );
    const winners = outcomes.filter((index) => index !== undefined);
    expect(winners).toHaveLength(1);
    expect(text("a")).toBe(`by ${winners[0]}`);
  });

  test("is refused in the stock server's words", async () => {
    const { at, put, said } = await bench();
    put("a", "1");
    mkdirSync(at("d"));
    const write = (path: string, dataBase64 = "") => said("writeFile", { path, dataBase64 });
    expect(await write(at("a"), "%%%")).toBe(
      "-32600 fs/writeFile requires valid base64 dataBase64: Invalid symbol 37, offset 0.",
    );
    expect(await write(at("no/dir/x"))).toBe("-32603 No such file or directory (os error 2)");
    expect(await write(at("d"))).toBe("-32603 Is a directory (os error 21)");
    expect(await write(at("a/b"))).toBe("-32603 Not a directory (os error 20)");
    expect(await write(at("a\0b"))).toBe("-32600 file name contained an unexpected NUL byte");
    expect(await write("relative")).toContain("Invalid request: ");
    expect(await write("/dev/null")).toBe("-32600 path `/dev/null` is not a file");
  });
});

test("metadata tells links from what they lead to", async () => {
  const { at, put, said } = await bench();
  put("f", "x");
  symlinkSync("f", at("link"));
  symlinkSync(".", at("here"));
  symlinkSync("nowhere", at("broken"));
  const times = { createdAtMs: expect.any(Number), modifiedAtMs: expect.any(Number) };
  const facts = (path: string) => said("getMetadata", { path });
  expect(await facts(at("f"))).toEqual({
    isDirectory: false,
    isFile: true,
    isSymlink: false,
    ...times,
  });
  expect(await facts(at("link"))).toEqual({
    isDirectory: false,
    isFile: true,
    isSymlink: true,
    ...times,
  });
  expect(await facts(at("here"))).toEqual({
    isDirectory: true,
    isFile: false,
    isSymlink: true,
    ...times,
  });
  expect(await facts(at("broken"))).toBe("-32603 No such file or directory (os error 2)");
  expect(await facts("/")).toMatchObject({ isDirectory: true });
});

test("a folder's links are listed by what they lead to, broken ones not", async () => {
  const { at, put, client } = await bench();
  put("d/f", "");
  symlinkSync("f", at("d/link"));
  symlinkSync("..", at("d/up"));
  symlinkSync("nowhere", at("d/broken"));
  execFileSync("mkfifo", [at("d/pipe")]);
  const { entries } = await client.call("fs/readDirectory", { path: at("d") });
  expect(new Set(Array.isArray(entries) ? entries : [])).toEqual(
    new Set([
      { fileName: "f", isDirectory: false, isFile: true },
      { fileName: "link", isDirectory: false, isFile: true },
      { fileName: "up", isDirectory: true, isFile: false },
      { fileName: "pipe", isDirectory: false, isFile: false },
    ]),
  );
});

test("folders are made with those above them, or alone", async () => {
  const { at, put, said } = await bench();
  put("f", "");
  const make = (name: string, recursive?: boolean | null) =>
    said("createDirectory", { path: at(name), ...(recursive === undefined ? {} : { recursive }) });
  expect(await make("a/b/c")).toEqual({});
  expect(await make("a/b/c")).toEqual({});
  expect(await make("n/m", null)).toEqual({});
  expect(await make("x/y", false)).toBe("-32603 No such file or directory (os error 2)");
  expect(await make("a", false)).toBe("-32603 File exists (os error 17)");
  expect(await make("f")).toBe("-32603 File exists (os error 17)");
  expect(await make("f/g")).toBe("-32603 Not a directory (os error 20)");
  expect([statSync(at("a/b/c")).isDirectory(), existsSync(at("x"))]).toEqual([true, false]);
});

describe("removing", () => {
  test("takes trees, links as links, and what is not there is gone already", async () => {
    const { at, put, said } = await bench();
    put("d/e/f", "");
    put("kept/f", "");
    symlinkSync("../../kept", at("d/e/link"));
    symlinkSync("kept", at("link"));
    expect(await said("remove", { path: at("link") })).toEqual({});
    expect(await said("remove", { path: at("d"), recursive: false })).toBe(
      "-32603 Directory not empty (os error 39)",
    );
    expect(await said("remove", { path: at("d"), recursive: null, force: null })).toEqual({});
    expect(await said("remove", { path: at("d") })).toEqual({});
    expect(await said("remove", { path: at("d/e/f") })).toEqual({});
    expect(await said("remove", { path: at("d"), force: false })).toBe(
      "-32603 No such file or directory (os error 2)",
    );
    expect(await said("remove", { path: at("kept/f/x") })).toBe(
      "-32603 Not a directory (os error 20)",
    );
    expect([existsSync(at("d")), existsSync(at("link")), existsSync(at("kept/f"))]).toEqual([
      false,
      false,
      true,
    ]);
  });

  test("takes a folder of more entries than are read at once", async () => {
    const { at, said } = await bench();
    mkdirSync(at("many"));
    for (let index = 0; index < 2_500; index++) writeFileSync(at(`many/${index}`), "");
    expect(await said("remove", { path: at("many") })).toEqual({});
    expect(existsSync(at("many"))).toBe(false);
  });
});

describe("copying", () => {
  test("takes files with their modes, links as links, folders when asked", async () => {
    const { at, put, said, text, mode } = await bench();
    put("src/a", "A", 0o755);
    put("src/sub/b", "B");
    chmodSync(at("src/sub"), 0o700);
    symlinkSync("a", at("src/link"));
    symlinkSync("nowhere", at("src/broken"));
    execFileSync("mkfifo", [at("src/pipe")]);
    const copy = (from: string, to: string, recursive?: boolean) =>
      said("copy", {
        sourcePath: at(from),
        destinationPath: at(to),
        ...(recursive === undefined ? {} : { recursive }),
      });
    expect(await copy("src/a", "one")).toEqual({});
    expect([text("one"), mode("one")]).toEqual(["A", 0o755]);
    expect(await copy("src/link", "linked")).toEqual({});
    expect(readlinkSync(at("linked"))).toBe("a");
    expect(await copy("src", "dst")).toBe(
      "-32600 fs/copy requires recursive: true when sourcePath is a directory",
    );
    expect(await copy("src", "deep/dst", true)).toEqual({});
    expect([text("deep/dst/sub/b"), mode("deep/dst/sub"), mode("deep/dst/a")]).toEqual([
      "B",
      0o700,
      0o755,
    ]);
    expect([readlinkSync(at("deep/dst/broken")), existsSync(at("deep/dst/pipe"))]).toEqual([
      "nowhere",
      false,
    ]);
    expect(await copy("src", "src/inside", true)).toBe(
      "-32600 fs/copy cannot copy a directory to itself or one of its descendants",
    );
    expect(await copy("src", "src", true)).toBe(
      "-32600 fs/copy cannot copy a directory to itself or one of its descendants",
    );
    expect(await copy("none", "x")).toBe("-32603 No such file or directory (os error 2)");
    expect(await copy("src/a", "no/where")).toBe("-32603 No such file or directory (os error 2)");
    expect(await copy("src/a", "deep")).toBe("-32603 Is a directory (os error 21)");
    expect(await copy("src", "one", true)).toBe("-32603 File exists (os error 17)");
    expect(await copy("src/link", "one")).toBe("-32603 File exists (os error 17)");
    expect(await copy("src/pipe", "p")).toBe(
      "-32600 fs/copy only supports regular files, directories, and symlinks",
    );
  });

  test("goes through a link at the other end, and empties no file that it copies onto itself", async () => {
    const { at, put, said, text } = await bench();
    put("a", "A");
    put("b", "B");
    symlinkSync("b", at("link"));
    expect(await said("copy", { sourcePath: at("a"), destinationPath: at("link") })).toEqual({});
    expect(await said("copy", { sourcePath: at("a"), destinationPath: at("a") })).toEqual({});
    expect([text("b"), text("a"), lstatSync(at("link")).isSymbolicLink()]).toEqual([
      "A",
      "A",
      true,
    ]);
  });
});
