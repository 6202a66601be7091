/** What `[policy]` of farhelm.toml gives operators and takes from them, over real sockets. */
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { HostClient, startOn, stopHosts, temporaryHomes } from "../helpers/running-host.ts";
import { withoutBubblewrap } from "../helpers/without-bubblewrap.ts";

afterEach(stopHosts);

/** What an operator is told of a command, a file, and a thread without a sandbox, on a machine that has none. */
async function outcomes(farhelmToml: string): Promise<readonly string[]> {
  const homes = temporaryHomes("");
  withoutBubblewrap();
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

test("with file_roots whoever comes from elsewhere stays in these folders, admins too", async () => {
  const homes = temporaryHomes("");
  const [inside, outside] = [join(homes.cwd, "inside"), join(homes.cwd, "outside")];
  for (const folder of [inside, outside]) mkdirSync(folder);
  mkdirSync(homes.farhelmHome, { mode: 0o700 });
  const toml = `[policy]\nfile_roots = [${JSON.stringify(inside)}]\n`;
  writeFileSync(join(homes.farhelmHome, "farhelm.toml"), toml);
  writeFileSync(join(outside, "a"), "a");
  writeFileSync(join(inside, "a"), "a");
  symlinkSync(outside, join(inside, "way-out"));
  symlinkSync(join(outside, "new"), join(inside, "new"));
  const host = await startOn(homes);
  const local = await HostClient.connect(homes);
  const admin = await HostClient.connectAs("admin", host, local);
  const refused = async (method: string, params: object): Promise<boolean> => {
    const said = await admin.call(`fs/${method}`, params).then(JSON.stringify, String);
    return said.includes("outside of the folders that this host opens to other machines");
  };
  const [a, wayOut, b] = [join(inside, "a"), join(inside, "way-out"), join(inside, "b")];
  const dataBase64 = "";
  for (const [method, params] of [
    ["readFile", { path: join(outside, "a") }],
    ["readFile", { path: join(wayOut, "a") }],
    ["readDirectory", { path: wayOut }],
    ["getMetadata", { path: homes.cwd }],
    ["writeFile", { path: join(wayOut, "b"), dataBase64 }],
    ["writeFile", { path: join(inside, "new"), dataBase64 }],
    ["createDirectory", { path: join(wayOut, "d/e") }],
    ["copy", { sourcePath: a, destinationPath: join(wayOut, "b") }],
    ["copy", { sourcePath: join(wayOut, "a"), destinationPath: b }],
    ["remove", { path: join(wayOut, "a") }],
    ["remove", { path: inside }],
  ] as const) {
    expect([method, params, await refused(method, params)]).toEqual([method, params, true]);
  }
  expect(readdirSync(outside)).toEqual(["a"]);
  await admin.call("fs/copy", { sourcePath: a, destinationPath: b });
  expect(await admin.call("fs/readDirectory", { path: inside })).toEqual({
    entries: expect.arrayContaining([
      { fileName: "b", isDirectory: false, isFile: true },
      { fileName: "way-out", isDirectory: false, isFile: false },
    ]),
  });
  expect(await local.call("fs/readFile", { path: join(outside, "a") })).toEqual({
    dataBase64: "YQ==",
  });
});

test("an access of limited scope writes in its folders alone, through no link", async () => {
  const homes = temporaryHomes("");
  const inside = join(homes.cwd, "inside");
  mkdirSync(inside);
  symlinkSync(homes.cwd, join(inside, "up"));
  const host = await startOn(homes);
  const local = await HostClient.connect(homes);
  const { token, id } = await local.call("farhelm/token/issue", {
    name: "guest",
    role: "operator",
    ttlMs: 600_000,
  });
  await local.call("farhelm/devices/change", { id, scope: { projects: [inside] } });
  const headers = { authorization: `Bearer ${String(token)}` };
  const socket = new WebSocket(host.url.replace("http", "ws"), { headers });
  const guest = await HostClient.initialized(socket);
  const write = (path: string): Promise<string> =>
    guest.call("fs/writeFile", { path, dataBase64: "" }).then(() => "done", String);
  expect(await write(join(inside, "a"))).toBe("done");
  expect(await write(join(inside, "up/b"))).toContain("is out of reach of this access");
  expect(await write(join(inside, "up/inside/c"))).toBe("done");
  expect(await write(join(homes.cwd, "d"))).toContain("is out of reach of this access");
});

test("an operator changes nothing that programs obey; an admin may", async () => {
  const homes = temporaryHomes("");
  mkdirSync(join(homes.cwd, "repo/.git/hooks"), { recursive: true });
  writeFileSync(join(homes.cwd, "repo/a"), "");
  const host = await startOn(homes);
  const admin = await HostClient.connect(homes);
  const operator = await HostClient.connectAs("operator", host, admin);
  const refused = async (method: string, params: object): Promise<boolean> => {
    const said = await operator.call(`fs/${method}`, params).then(JSON.stringify, String);
    return said.includes("changing it needs the role admin");
  };
  const hook = join(homes.cwd, "repo/.git/hooks/post-checkout");
  const a = join(homes.cwd, "repo/a");
  const settings = [hook, join(homes.codexHome, "config.toml"), join(homedir(), ".bashrc")];
  for (const path of [...settings, join(homes.cwd, "repo/.codex")]) {
    for (const [method, params] of [
      ["writeFile", { path, dataBase64: "" }],
      ["copy", { sourcePath: a, destinationPath: path }],
    ] as const) {
      expect([method, path, await refused(method, params)]).toEqual([method, path, true]);
    }
  }
  expect(await refused("createDirectory", { path: join(homes.cwd, "repo/.codex") })).toBe(true);
  expect(await refused("remove", { path: join(homes.codexHome, "config.toml") })).toBe(true);
  expect(await refused("writeFile", { path: a, dataBase64: "" })).toBe(false);
  expect(await admin.call("fs/writeFile", { path: hook, dataBase64: "" })).toEqual({});
});
