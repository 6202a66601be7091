import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { MockModel } from "../helpers/mock-model.ts";
import { startMockModel } from "../helpers/mock-model.ts";
import { replyByPrompt } from "../helpers/prompted-model.ts";
import type { Homes } from "../helpers/running-host.ts";
import { configFor, startOn, stopHosts, temporaryHomes } from "../helpers/running-host.ts";
import { stockBinary } from "../helpers/stock-binary.ts";
import { hasTmux, Terminal } from "../helpers/terminal.ts";

const binary = stockBinary("0.169.0");
const canRun = hasTmux() && binary !== undefined;
const asks = 'approval_policy = "on-request"\nsandbox_mode = "read-only"';

let model: MockModel;
let homes: Homes;
let terminal: Terminal | undefined;

beforeEach(async () => {
  if (!canRun) return;
  model = await startMockModel();
  replyByPrompt(model);
  homes = temporaryHomes(configFor(model.baseUrl, asks));
  mkdirSync(homes.farhelmHome, { mode: 0o700 });
  const settings = '[approvals]\nsigned = "always"\n';
  writeFileSync(join(homes.farhelmHome, "farhelm.toml"), settings);
  await startOn(homes);
});
afterEach(async () => {
  terminal?.close();
  await stopHosts();
  await model?.close();
});

test.skipIf(!canRun)(
  "the stock terminal client is told why its yes does not count, and can stop the turn (needs tmux and the stock program)",
  async () => {
    const clientHome = join(homes.root, "client");
    mkdirSync(clientHome);
    const config = `check_for_update_on_startup = false\n${asks}\n[tui]\nanimations = false\n[projects."${homes.cwd}"]\ntrust_level = "trusted"\n`;
    writeFileSync(join(clientHome, "config.toml"), config);
    const door = `unix://${join(homes.farhelmHome, "control.sock")}`;
    terminal = new Terminal([binary ?? "", "--remote", door], {
      cwd: homes.cwd,
      env: { CODEX_HOME: clientHome, HOME: homes.root },
    });
    await terminal.shows("›");
    await terminal.enter("hello again");
    await terminal.shows("ANSWER: hello again");
    await terminal.enter("run: touch made-by-the-agent");
    await terminal.shows("Would you like to run");
    terminal.key("y");
    await terminal.shows("counts only with the signature");
    expect(existsSync(join(homes.cwd, "made-by-the-agent"))).toBe(false);
    terminal.key("Escape");
    await terminal.shows("interrupted");
    await terminal.enter("hello there");
    await terminal.shows("ANSWER: hello there");
    expect(existsSync(join(homes.cwd, "made-by-the-agent"))).toBe(false);
  },
  180_000,
);
