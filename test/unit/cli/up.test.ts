import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runCli } from "./fake-outside.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "farhelm-cli-"));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

const pairing = { url: "http://localhost:7420/pair#s=SECRET", expiresAtMs: Date.now() + 600_000 };

describe("farhelm up", () => {
  test("prints one line with the URL, serves until asked to stop, closes and exits 0", async () => {
    expect(await runCli(["up"], { env: { HOME: home } })).toMatchObject({
      code: 0,
      out: "Farhelm is ready on http://localhost:7420\n",
      err: "",
      closed: true,
    });
  });

  test("without flags it takes the defaults", async () => {
    const { options } = await runCli(["up"], { env: { HOME: home }, startedIn: home });
    expect(options).toEqual({
      listen: { host: "127.0.0.1", port: 7420 },
      lan: false,
      publicOrigin: undefined,
      allowedHosts: [],
      trustedProxies: [],
      allowRemoteHeadless: false,
      defaultCwd: home,
      configOverrides: [],
      store: undefined,
      databaseUrl: undefined,
      codexHome: join(home, ".codex"),
      farhelmHome: join(home, ".farhelm"),
      version: "9.9.9",
    });
  });

  test("takes every flag", async () => {
    const words =
      "up --listen [::1]:0 --lan --public-origin https://far.example --allowed-host a --allowed-host b --cwd work --trust-proxy 10.0.0.1 --trust-proxy 10.1.0.0/16 --store postgres -c model=x -c a.b=[1] --allow-remote-headless";
    mkdirSync(join(home, "work"));
    const env = {
      HOME: home,
      CODEX_HOME: "/c",
      FARHELM_HOME: join(home, "f"),
      DATABASE_URL: "postgres://d",
    };
    const { options } = await runCli(words.split(" "), { env, startedIn: home });
    expect(options).toEqual({
      listen: { host: "::1", port: 0 },
      lan: true,
      publicOrigin: "https://far.example",
      allowedHosts: ["a", "b"],
      trustedProxies: ["10.0.0.1", "10.1.0.0/16"],
      allowRemoteHeadless: true,
      defaultCwd: join(home, "work"),
      store: "postgres",
      databaseUrl: "postgres://d",
      configOverrides: ["model=x", "a.b=[1]"],
      codexHome: "/c",
      farhelmHome: join(home, "f"),
      version: "9.9.9",
    });
  });

  test("in its own clone and below, the agent's folder is the user's home", async () => {
    const clone = join(home, "clone");
    mkdirSync(join(clone, "src"), { recursive: true });
    for (const startedIn of [clone, join(clone, "src")]) {
      const { options } = await runCli(["up"], { env: { HOME: home }, clone, startedIn });
      expect(options?.defaultCwd).toBe(home);
    }
  });

  test("a folder whose name only begins like the clone's is not the clone", async () => {
    const [clone, startedIn] = [join(home, "clone"), join(home, "clone-of-mine")];
    for (const folder of [clone, startedIn]) mkdirSync(folder);
    const { options } = await runCli(["up"], { env: { HOME: home }, clone, startedIn });
    expect(options?.defaultCwd).toBe(startedIn);
  });

  test("on a terminal the pairing link is shown with a code and its deadline", async () => {
    const { out } = await runCli(["up"], { env: { HOME: home }, tty: true, host: { pairing } });
    expect(out).toContain(`  ${pairing.url}\n`);
    expect(out).toContain("10 min");
    expect(out).toContain("npx farhelm pair");
    expect(out).toMatch(/[█▀▄]{5}/);
    expect(existsSync(join(home, ".farhelm/pairing-link"))).toBe(false);
  });

  test("elsewhere the link goes to a file for its owner alone, is named, and goes with the host", async () => {
    const file = join(home, ".farhelm/pairing-link");
    const seen = { text: "", mode: 0 };
    const { out, err } = await runCli(["up"], {
      env: { HOME: home },
      host: { pairing },
      whileUp: () => {
        seen.text = readFileSync(file, "utf8");
        seen.mode = statSync(file).mode & 0o777;
      },
    });
    expect(seen).toEqual({ text: `${pairing.url}\n`, mode: 0o600 });
    expect(err).toContain(file);
    expect(out + err).not.toContain("SECRET");
    expect(out).toBe("Farhelm is ready on http://localhost:7420\n");
    expect(existsSync(file)).toBe(false);
  });

  test("notices go to stderr, so that stdout stays one line", async () => {
    const host = { notices: ["CA fingerprint: AB:CD"] };
    const { out, err } = await runCli(["up"], { env: { HOME: home }, host });
    expect({ out, err }).toEqual({
      out: "Farhelm is ready on http://localhost:7420\n",
      err: "CA fingerprint: AB:CD\n",
    });
  });

  test.each([
    [{ code: "EADDRINUSE", port: 7420 }, "Port 7420 is taken; stop what uses it or choose another"],
    [{ code: "ENOSPC", path: "/x" }, "The disk is full (/x); free some space"],
    [{ code: "SQLITE_FULL" }, "The disk is full; free some space"],
    [{ code: "EEXIST", path: "/x" }, "A file stands where a folder must be (/x); move it"],
    [{ code: "EACCES", path: "/x" }, "Permission denied (/x); make it yours"],
    [{ code: "EROFS", path: "/x" }, "The file system is read-only (/x); choose another folder"],
  ])("says in one sentence what is in the way: %o", async (facts, sentence) => {
    const startError = new Error("cannot start", {
      cause: Object.assign(new Error("raw system text"), facts),
    });
    const { code, out, err } = await runCli(["up"], { env: { HOME: home }, startError });
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^farhelm: [^\n]*\.\n$/);
    expect(err).toContain(sentence);
  });

  test.each([
    ["--listen", "localhost"],
    ["--listen", "127.0.0.1:70000"],
    ["--listen", "[nonsense]:1"],
    ["--public-origin", "https://far.example/path"],
    ["--public-origin", "ftp://far.example"],
    ["-c", "model"],
    ["--cwd", "/nowhere/at/all"],
  ])("refuses %s %s before anything starts", async (flag, value) => {
    const { code, err, options } = await runCli(["up", flag, value], { env: { HOME: home } });
    expect({ code, options }).toEqual({ code: 1, options: undefined });
    expect(err).toMatch(/^farhelm: [^\n]*;[^\n]*\.\n$/);
  });

  test("shows a stack only when asked", async () => {
    const startError = new Error("broken.");
    const plain = await runCli(["up"], { env: { HOME: home }, startError });
    const debug = await runCli(["up"], { env: { HOME: home, FARHELM_DEBUG: "1" }, startError });
    expect(plain.err).toBe("farhelm: broken.\n");
    expect(debug.err).toContain("at ");
  });
});
