/** Which of the host's variables commands see. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unasked, useHostBench } from "../helpers/host-bench.ts";
import type { HostBench } from "../helpers/host-bench.ts";
import { answer, functionCall, say } from "../helpers/mock-model.ts";
import type { HostClient } from "../helpers/running-host.ts";

const bench = useHostBench({ top: unasked });

const own = { SEEN_ALOUD: "1", MY_API_KEY: "hidden", DATABASE_URL: "hidden", MY_LOGIN: "hidden" };
beforeAll(() => Object.assign(process.env, own));
afterAll(() => {
  for (const name of Object.keys(own)) delete process.env[name];
});

/** The variables that a printed environment holds, of those that matter here. */
function named(printed: unknown): Readonly<Record<string, string>> {
  const lines = String(printed).split("\n");
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name = "", value = ""] = /^(\w+)=(.*)$/.exec(line.trim()) ?? [];
      const matters = name in own || /^(?:ADDED|HOME|CODEX_THREAD_ID)$/.test(name);
      return matters ? [[name, value]] : [];
    }),
  );
}

/** What the agent's command prints of its environment. */
async function agentsOwn({ model, client, homes }: HostBench, start: object = {}) {
  const { thread } = await client.call("thread/start", { cwd: homes.cwd, ...start });
  const { id } = Object(thread);
  model.enqueue(answer(...functionCall("exec_command", { cmd: "env", login: false })), say("done"));
  const input = [{ type: "text", text: "go" }];
  await client.call("turn/start", { threadId: id, input });
  await client.until(() => client.sent.some(({ method }) => method === "turn/completed"));
  const item = client.sent.findLast(
    ({ method, params }) =>
      method === "item/completed" && Object(params?.["item"]).type === "commandExecution",
  );
  const variables = named(Object(item?.params?.["item"]).aggregatedOutput);
  expect(variables["CODEX_THREAD_ID"]).toBe(id);
  return variables;
}

/** The params of the first notification of this method. */
async function told(client: HostClient, method: string): Promise<Record<string, unknown>> {
  const find = () => client.sent.find((sent) => sent.method === method);
  await client.until(() => find() !== undefined);
  return { ...find()?.params };
}

const policy = (lines: string) => ({
  tables: () => `[shell_environment_policy]\n${lines}\n`,
});

describe("the agent's command", () => {
  test("sees the host's variables without its secrets", async () => {
    const variables = await agentsOwn(await bench());
    expect(variables).toMatchObject({ SEEN_ALOUD: "1", HOME: process.env["HOME"] });
    expect(Object.keys(variables)).not.toContain("MY_API_KEY");
    expect(Object.keys(variables)).not.toContain("DATABASE_URL");
  });

  test("does not see the key of a provider, whatever its name", async () => {
    const made = await bench({
      tables: () =>
        '[model_providers.other]\nname = "O"\nbase_url = "http://127.0.0.1:1"\nenv_key = "MY_LOGIN"\n',
    });
    expect(Object.keys(await agentsOwn(made))).not.toContain("MY_LOGIN");
  });

  test("sees what config.toml says, and what a thread's own config says over it", async () => {
    const made = await bench(policy('inherit = "none"\nset = { ADDED = "a" }'));
    const { CODEX_THREAD_ID: _, ...variables } = await agentsOwn(made);
    expect(variables).toEqual({ ADDED: "a" });
    const config = {
      "shell_environment_policy.inherit": "all",
      "shell_environment_policy.include_only": ["ADDED", "SEEN_*"],
    };
    made.client.sent.length = 0;
    const { CODEX_THREAD_ID: __, ...others } = await agentsOwn(made, { config });
    expect(others).toEqual({ ADDED: "a", SEEN_ALOUD: "1" });
  });

  test("sees what a trusted project sets", async () => {
    const made = await bench();
    mkdirSync(join(made.homes.cwd, ".codex"));
    const file = join(made.homes.cwd, ".codex/config.toml");
    writeFileSync(file, '[shell_environment_policy.set]\nADDED = "project"\n');
    const levels = (level: string) => ({
      config: { projects: { [made.homes.cwd]: { trust_level: level } } },
    });
    expect(await agentsOwn(made, levels("untrusted"))).not.toHaveProperty("ADDED");
    made.client.sent.length = 0;
    expect(await agentsOwn(made, levels("trusted"))).toMatchObject({ ADDED: "project" });
  });
});

describe("a client's", () => {
  test("command follows the policy, and the call's variables win", async () => {
    const { client } = await bench(policy('exclude = ["seen_*"]\nset = { ADDED = "a" }'));
    const call = async (env: object) =>
      named(Object(await client.call("command/exec", { command: ["env"], env })).stdout);
    expect(await call({ HOME: null })).toEqual({ ADDED: "a", MY_LOGIN: "hidden" });
    expect(await call({ ADDED: null, MY_LOGIN: null, HOME: "/h", SEEN_ALOUD: "2" })).toEqual({
      HOME: "/h",
      SEEN_ALOUD: "2",
    });
  });

  test("command by hand in a thread follows it, too", async () => {
    const { client, homes } = await bench(policy('inherit = "core"\nset = { ADDED = "a" }'));
    const { thread } = await client.call("thread/start", { cwd: homes.cwd });
    const { id: threadId } = Object(thread);
    await client.call("thread/shellCommand", { threadId, command: "env" });
    const { aggregatedOutput } = Object((await told(client, "item/completed"))["item"]);
    expect(named(aggregatedOutput)).toEqual({
      ADDED: "a",
      HOME: process.env["HOME"],
      CODEX_THREAD_ID: threadId,
    });
  });

  test.each([
    ["", { MY_LOGIN: "hidden", SEEN_ALOUD: "1" }],
    ["ignore_default_excludes = true", own],
  ])("process has all but secrets, with inherit = none and %s", async (lines, expected) => {
    const { client, homes } = await bench(policy(`inherit = "none"\n${lines}`));
    const params = { command: ["env"], processHandle: "p", cwd: homes.cwd, env: { HOME: null } };
    await client.call("process/spawn", params);
    expect(named((await told(client, "process/exited"))["stdout"])).toEqual(expected);
  });
});

test("a config that cannot be is refused by its key", async () => {
  const { client, homes } = await bench();
  const config = { "shell_environment_policy.inherit": "some" };
  await expect(client.call("thread/start", { cwd: homes.cwd, config })).rejects.toThrow(
    "failed to load configuration: unknown variant `some`, expected one of `core`, `all`, `none`\nin `shell_environment_policy.inherit`\n",
  );
});
