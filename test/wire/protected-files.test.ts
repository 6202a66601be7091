/** Farhelm's home and auth.json are out of reach of every role, by whatever name a file has. */
import { linkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { isProtected } from "../../src/permissions/protected-paths.ts";
import { HostClient, startOn, stopHosts, temporaryHomes } from "../helpers/running-host.ts";

afterEach(stopHosts);

test.each(["operator", "admin"] as const)("an %s reads none of them, by no name", async (role) => {
  const homes = temporaryHomes("");
  const host = await startOn(homes);
  const login = join(homes.codexHome, "auth.json");
  writeFileSync(login, '{"OPENAI_API_KEY":"sk-canary"}', { mode: 0o600 });
  const key = join(homes.farhelmHome, "issuer-key.json");
  const [soft, hard, hardKey, plain] = ["soft", "hard", "hard-key", "plain"].map((name) =>
    join(homes.cwd, name),
  );
  symlinkSync(login, soft ?? "");
  linkSync(login, hard ?? "");
  linkSync(key, hardKey ?? "");
  writeFileSync(plain ?? "", "plain");
  linkSync(plain ?? "", join(homes.cwd, "plain-twice"));
  const client = await HostClient.connectAs(role, host, await HostClient.connect(homes));
  const said = (path: string): Promise<string> =>
    client.call("fs/readFile", { path }).then(({ dataBase64 }) => String(dataBase64), String);
  const detour = join(homes.cwd, "..", "codex", "auth.json");
  for (const path of [login, key, detour, soft, hard, hardKey]) {
    expect(await said(path ?? "")).toContain("holds Farhelm's keys or logins");
  }
  expect(await said(plain ?? "")).toBe(Buffer.from("plain").toString("base64"));
  const kept = [homes.farhelmHome, login];
  const protectedPaths = [login, key, hard, hardKey].map((path) => isProtected(path ?? "", kept));
  expect([...protectedPaths, isProtected(plain ?? "", kept)]).toEqual([
    true,
    true,
    true,
    true,
    false,
  ]);
});
