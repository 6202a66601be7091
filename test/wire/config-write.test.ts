/** Changes of config.toml by clients, and the trust that a start gives, over real sockets. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { Homes } from "../helpers/running-host.ts";
import { HostClient, startOn, stopHosts, temporaryHomes } from "../helpers/running-host.ts";

afterEach(stopHosts);

const configOf = ({ codexHome }: Homes): string =>
  readFileSync(join(codexHome, "config.toml"), "utf8");

const modelAfter = async (client: HostClient, params: object): Promise<unknown> =>
  (await client.call("thread/start", params))["model"];

/** A host whose work folder is a repository with a configuration of its own. */
async function openProject(config = "# mine\n") {
  const homes = temporaryHomes(config);
  for (const folder of [".git", ".codex"]) mkdirSync(join(homes.cwd, folder));
  writeFileSync(join(homes.cwd, ".codex/config.toml"), 'model = "of-the-project"\n');
  const host = await startOn(homes);
  const admin = await HostClient.connect(homes);
  return { homes, host, admin };
}

test("a permissive start of an admin's trusts the project, whose configuration counts at once", async () => {
  const { homes, admin } = await openProject();
  const { cwd } = homes;
  expect(await modelAfter(admin, { cwd, sandbox: "workspace-write" })).toBe("of-the-project");
  expect(configOf(homes)).toBe(`# mine\n\n[projects."${cwd}"]\ntrust_level = "trusted"\n`);
  expect(await modelAfter(admin, { cwd })).toBe("of-the-project");
});

test.each([
  ["without a folder of its own", { sandbox: "workspace-write" }],
  ["that is read-only", { cwd: "", sandbox: "read-only" }],
  ["with nothing configured", { cwd: "" }],
])("a start %s trusts nothing, and says what is left aside", async (_what, params) => {
  const { homes, admin } = await openProject();
  const { cwd } = homes;
  expect(await modelAfter(admin, "cwd" in params ? { ...params, cwd } : params)).toBe("offline");
  expect(configOf(homes)).toBe("# mine\n");
  const { params: told } = await admin.until(({ method }) => method === "configWarning");
  expect(told?.["summary"]).toContain(`add ${cwd} as a trusted project in`);
});

test("a start trusts nothing that is marked as untrusted", async () => {
  const { homes, admin } = await openProject();
  const { cwd } = homes;
  const untrusted = `[projects."${cwd}"] # no\ntrust_level = "untrusted"\n`;
  writeFileSync(join(homes.codexHome, "config.toml"), untrusted);
  expect(await modelAfter(admin, { cwd, sandbox: "danger-full-access" })).toBe("offline");
  expect(configOf(homes)).toBe(untrusted);
});

test("who may not take the sandbox away makes no project trusted, and changes no configuration", async () => {
  const { homes, host, admin } = await openProject('sandbox_mode = "workspace-write"\n');
  const { cwd } = homes;
  const operator = await HostClient.connectAs("operator", host, admin);
  expect(await modelAfter(operator, { cwd, sandbox: "workspace-write" })).toBe("offline");
  const edit = { keyPath: "model", value: "x", mergeStrategy: "replace" };
  await expect(operator.call("config/value/write", edit)).rejects.toThrow("needs the role admin");
  await expect(operator.call("config/batchWrite", { edits: [edit] })).rejects.toThrow(
    "needs the role admin",
  );
  expect(configOf(homes)).toBe('sandbox_mode = "workspace-write"\n');
});

test("what is written counts for threads that are in memory, with comments kept", async () => {
  const { homes, admin } = await openProject("# mine\n");
  const threadId = await admin.startThread();
  const turn = await admin.startTurn(threadId, "what are you?");
  await admin.turnEnded(turn);
  expect(await admin.call("thread/goal/get", { threadId })).toEqual({ goal: null });
  expect(
    await admin.call("config/batchWrite", {
      edits: [{ keyPath: "features.goals", value: false, mergeStrategy: "replace" }],
      reloadUserConfig: true,
    }),
  ).toEqual({
    status: "ok",
    version: expect.stringMatching(/^sha256:/),
    filePath: join(homes.codexHome, "config.toml"),
    overriddenMetadata: null,
  });
  expect(configOf(homes)).toBe("# mine\n\n[features]\ngoals = false\n");
  await expect(admin.call("thread/goal/get", { threadId })).rejects.toThrow("goals feature");
});

test("many clients at once lose none of their changes", async () => {
  const { homes, admin } = await openProject();
  const others = await Promise.all([1, 2, 3].map(() => HostClient.connect(homes)));
  const keys = Array.from({ length: 24 }, (_, index) => `k${index}`);
  await Promise.all(
    keys.map((key, index) =>
      (others[index % 3] ?? admin).call("config/value/write", {
        keyPath: `desktop.${key}`,
        value: index,
        mergeStrategy: "replace",
      }),
    ),
  );
  const { config } = await admin.call("config/read", {});
  expect(Object(config)["desktop"]).toEqual(
    Object.fromEntries(keys.map((key, index) => [key, index])),
  );
});
