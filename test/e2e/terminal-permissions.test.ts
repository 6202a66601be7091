/** The stock terminal client is asked for permissions that the agent wants on top of its own. Needs tmux, the stock program and a sandbox. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import {
  permissionFeatures,
  permissionsCall,
  workspaceTable,
  writing,
} from "../helpers/asking-thread.ts";
import { useHostBench } from "../helpers/host-bench.ts";
import type { MockReply, MockRequest } from "../helpers/mock-model.ts";
import { answer, functionCall, say } from "../helpers/mock-model.ts";
import { needSandbox } from "../helpers/need-sandbox.ts";
import { stockBinary } from "../helpers/stock-binary.ts";
import { Terminal, hasTmux } from "../helpers/terminal.ts";

const binary = stockBinary("0.169.0");
const canRun = hasTmux() && binary !== undefined;
const begin = useHostBench({
  top: 'approval_policy = "on-request"\nsandbox_mode = "workspace-write"',
  tables: () => workspaceTable + permissionFeatures,
});
const reason = "The build writes there.";
let terminal: Terminal | undefined;
afterEach(() => {
  terminal?.close();
  terminal = undefined;
});

describe.skipIf(!canRun)("the stock terminal client", () => {
  test("grants what the agent asks for, and its commands may then do it", async (context) => {
    await needSandbox(context);
    const { homes, model } = await begin();
    const out = join(homes.root, "out");
    const clientHome = join(homes.root, "client");
    for (const folder of [out, clientHome]) mkdirSync(folder);
    writeFileSync(
      join(clientHome, "config.toml"),
      `check_for_update_on_startup = false\nsandbox_mode = "workspace-write"\napproval_policy = "on-request"\n[tui]\nanimations = false\n[projects."${homes.cwd}"]\ntrust_level = "trusted"\n`,
    );
    // the client asks for a title, too, at a time of its own
    const reply = ({ body }: MockRequest): MockReply => {
      if (JSON.stringify(body["text"] ?? "").includes("json_schema")) return say('{"title":"x"}');
      const seen = JSON.stringify(body["input"]);
      if (!seen.includes('"ask"')) return permissionsCall(writing(out), "ask", { reason });
      const run = functionCall("exec_command", { cmd: `touch ${out}/made` }, "run");
      return seen.includes('"run"') ? say("ALL DONE") : answer(...run);
    };
    model.enqueue(reply, reply, reply, reply, reply, reply);
    const remote = ["--remote", `unix://${join(homes.farhelmHome, "control.sock")}`];
    terminal = new Terminal([binary ?? "", ...remote], {
      cwd: homes.cwd,
      env: { CODEX_HOME: clientHome, HOME: homes.root },
    });
    await terminal.shows("›");
    await terminal.enter("build it");
    await terminal.shows(reason);
    terminal.key("y");
    await terminal.shows("ALL DONE");
    expect(existsSync(join(out, "made"))).toBe(true);
  }, 180_000);
});
