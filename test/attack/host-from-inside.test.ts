/** A command in the sandbox, with the network, against the host that started it: its keys, its sockets, its tokens. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import { root } from "../architecture/tree.ts";
import { freshBuild } from "../helpers/fresh-build.ts";
import { useHostBench } from "../helpers/host-bench.ts";
import { needSandbox } from "../helpers/need-sandbox.ts";
import { secret } from "./confined-place.ts";

const bench = useHostBench();
beforeEach(needSandbox);
beforeAll(freshBuild, 120_000);

/** Prints `WORKED: …` for each try that should not have. */
const program = `
import { connect } from "node:net";
import { spawnSync } from "node:child_process";
import { existsSync, linkSync, readFileSync, readdirSync, symlinkSync } from "node:fs";
import { randomBytes } from "node:crypto";
const { farhelmHome, codexHome, url, cli, pid } = JSON.parse(process.argv[2]);
let tried = 0;
const attempt = async (what, run) => {
  tried += 1;
  try {
    const got = await run();
    if (got !== undefined && got !== false && got !== "") console.log("WORKED: " + what + " " + String(got).slice(0, 200));
  } catch {}
};
const roots = ["", "/proc/self/root", "/proc/1/root", "/proc/" + pid + "/root", "/proc/self/cwd/" + "../".repeat(20)];
for (const home of [farhelmHome, codexHome + "/auth.json"]) {
  for (const root of roots) {
    const path = root + home;
    await attempt("list " + path, () => readdirSync(path).join());
    await attempt("read " + path, () => readFileSync(path, "utf8"));
  }
  await attempt("symlink " + home, () => { symlinkSync(home, "way"); return existsSync("way/signing-key.json") || readFileSync("way", "utf8"); });
  await attempt("hard link " + home, () => { linkSync(home, "hard"); return readFileSync("hard", "utf8"); });
}
for (const name of ["control.sock", "./control.sock"]) {
  await attempt("connect " + name, () => new Promise((resolve, reject) => {
    connect(farhelmHome + "/" + name).on("connect", () => resolve("connected")).on("error", reject);
  }));
}
await attempt("descriptors", () => readdirSync("/proc/" + pid + "/fd").join());
await attempt("memory", () => readFileSync("/proc/" + pid + "/environ", "utf8"));
for (const args of [["pair"], ["token", "--name", "x"], ["token"], ["devices", "list"], ["audit", "export"]]) {
  const env = { ...process.env, FARHELM_HOME: farhelmHome, CODEX_HOME: codexHome };
  await attempt("farhelm " + args.join(" "), () => {
    const { status, stdout } = spawnSync(process.execPath, [cli, ...args], { env, encoding: "utf8", timeout: 30000 });
    return status === 0 ? stdout : "";
  });
}
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const forged = part({ alg: "none" }) + "." + part({ iss: url, sub: "admin", role: "admin", exp: 9999999999 }) + ".";
for (const authorization of [undefined, "Bearer " + forged, "Bearer " + randomBytes(32).toString("base64url")]) {
  const headers = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": randomBytes(16).toString("base64"), ...(authorization && { authorization }) };
  await attempt("upgrade", async () => {
    const { request } = await import(url.startsWith("https") ? "node:https" : "node:http");
    return new Promise((resolve, reject) => {
      const call = request(url, { headers, rejectUnauthorized: false });
      call.on("upgrade", () => resolve("upgraded")).on("response", (answer) => { reached.push(answer.statusCode); resolve(""); }).on("error", reject).end();
    });
  });
}
for (const [name, value] of Object.entries(process.env)) {
  if (value.includes(${JSON.stringify(secret)}) || name.startsWith("FARHELM_")) await attempt("environment", () => name);
}
console.log(JSON.stringify({ tried, reached }));
`.replace("let tried = 0;", "let tried = 0;\nconst reached = [];");

test("from inside nobody reads the host's keys, reaches its socket, or comes by a token", async () => {
  vi.stubEnv("FARHELM_TEST_SECRET", secret);
  vi.stubEnv("OPENAI_API_KEY", secret);
  vi.stubEnv("GITHUB_TOKEN", secret);
  const { homes, host, client } = await bench();
  const { farhelmHome, codexHome, cwd } = homes;
  writeFileSync(join(codexHome, "auth.json"), secret);
  writeFileSync(join(cwd, "escape.mjs"), program);
  const cli = join(root, "dist/main.js");
  const facts = { farhelmHome, codexHome, url: host.url, cli, pid: process.pid };
  const answer = await client.call("command/exec", {
    command: [process.execPath, "escape.mjs", JSON.stringify(facts)],
    cwd,
    sandboxPolicy: { type: "workspaceWrite", networkAccess: true },
    timeoutMs: 100_000,
  });
  expect(answer["stderr"]).toBe("");
  const lines = String(answer["stdout"]).trim().split("\n");
  // the network is there: the host answers, and lets nobody in
  expect(JSON.parse(lines.pop() ?? "")).toEqual({
    tried: expect.any(Number),
    reached: [401, 401, 401],
  });
  expect(lines).toEqual([]);
}, 120_000);
