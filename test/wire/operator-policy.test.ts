/** What `[policy]` of farhelm.toml gives operators and takes from them, over real sockets. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { HostClient, startOn, stopHosts, temporaryHomes } from "../helpers/running-host.ts";

afterEach(stopHosts);

/** What an operator is told of a command, a file, and a thread without a sandbox. */
async function outcomes(farhelmToml: string): Promise<readonly string[]> {
  const homes = temporaryHomes("");
  mkdirSync(homes.farhelmHome, { mode: 0o700 });
  writeFileSync(join(homes.farhelmHome, "farhelm.toml"), farhelmToml);
  writeFileSync(join(homes.cwd, "a.txt"), "a");
  const host = await startOn(homes);
  const operator = await HostClient.connectAs("operator", host, await HostClient.connect(homes));
  const calls: readonly (readonly [string, object])[] = [
    ["command/exec", { command: ["true"] }],
    ["fs/readFile", { path: join(homes.cwd, "a.txt") }],
    ["thread/start", { sandbox: "danger-full-access" }],
  ];
  const said: string[] = [];
  for (const [method, params] of calls) {
    const outcome = await operator.call(method, params).then(() => "done", String);
    said.push(/needs? the role admin|cannot be enforced/.exec(outcome)?.[0] ?? outcome);
  }
  return said;
}

test.each([
  ["", ["cannot be enforced", "done", "needs the role admin"]],
  ['[policy]\noperator_commands = "all"\n', ["done", "done", "done"]],
  [
    '[policy]\noperator_commands = "none"\n',
    ["needs the role admin", "done", "needs the role admin"],
  ],
  [
    "[policy]\noperator_files = false\n",
    ["cannot be enforced", "needs the role admin", "needs the role admin"],
  ],
])("under %j", async (farhelmToml, expected) => {
  expect(await outcomes(farhelmToml)).toEqual(expected);
});
