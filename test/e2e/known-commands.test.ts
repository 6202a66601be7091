/** The built program knows commands that only read, and loads what it needs for that when it needs it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runDeclining } from "../helpers/declined-commands.ts";
import { HostProcess } from "../helpers/host-process.ts";
import { mockModelConfig } from "../helpers/mock-model-config.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import { startMockModel } from "../helpers/mock-model.ts";
import { HostClient } from "../helpers/running-host.ts";

const folder = mkdtempSync(join(tmpdir(), "farhelm-known-"));
const loaded = join(folder, "loaded");
let model: MockModel;
let host: HostProcess;
let client: HostClient;

beforeAll(async () => {
  model = await startMockModel();
  const recorder = join(folder, "recorder.cjs");
  writeFileSync(
    recorder,
    `const { appendFileSync } = require("node:fs");
const Module = require("node:module");
const load = Module._load;
Module._load = function (id, ...rest) {
  appendFileSync(${JSON.stringify(loaded)}, id + "\\n");
  return load.call(this, id, ...rest);
};
`,
  );
  host = await HostProcess.start({
    config: mockModelConfig(model),
    nodeFlags: ["--require", recorder],
  });
  client = await HostClient.connect({ farhelmHome: join(host.home, ".farhelm") });
}, 60_000);
afterAll(async () => {
  client?.drop();
  await host?.stop();
  await model?.close();
  rmSync(folder, { recursive: true });
});

const modules = (): readonly string[] => readFileSync(loaded, "utf8").split("\n");

test("a script is read by the built program, and not before there is one", async () => {
  expect(modules()).toContain("libsql");
  expect(modules()).not.toContain("web-tree-sitter");
  const settings = { approvalPolicy: "untrusted", sandbox: "danger-full-access" };
  const threadId = await client.startThread({ cwd: host.home, ...settings });
  const scripts = ["ls", "cat a | wc -l", "ls > a", "rm -rf a", "bash -lc 'pwd'"];
  expect((await runDeclining({ client, model }, threadId, ...scripts)).asked).toEqual([
    expect.stringContaining("ls > a"),
    expect.stringContaining("rm -rf a"),
  ]);
  expect(modules()).toContain("web-tree-sitter");
}, 60_000);

test("the grammar lies beside the program", () => {
  const grammar = readFileSync(join(import.meta.dirname, "../../dist/tree-sitter-bash.wasm"));
  expect(grammar.subarray(0, 4)).toEqual(Buffer.from("\0asm"));
});
