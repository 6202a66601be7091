/** config.toml under hosts that are killed while they write it, and under two of them at once. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { afterEach, expect, test } from "vitest";
import { HostProcess } from "../helpers/host-process.ts";
import { HostClient } from "../helpers/running-host.ts";

const hosts: HostProcess[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop();
});

async function start(env: Readonly<Record<string, string>> = {}, config?: string) {
  const host = await HostProcess.start(config === undefined ? { env } : { env, config });
  hosts.push(host);
  return { host, client: await HostClient.connect({ farhelmHome: join(host.home, ".farhelm") }) };
}

const write = (client: HostClient, key: string, value: number) =>
  client.call("config/value/write", {
    keyPath: `desktop.${key}`,
    value,
    mergeStrategy: "replace",
  });

const original = "# mine\n[desktop]\nn = 0\n";

test("a host that is killed leaves the old file or the new one, and the next one writes on", async () => {
  const { host, client } = await start({}, original);
  const codexHome = join(host.home, ".codex");
  const file = join(codexHome, "config.toml");
  const asked = Array.from({ length: 200 }, (_, index) => index + 1);
  const answered = 20;
  await asked.map((value) => write(client, "n", value))[answered - 1];
  process.kill(host.pid, "SIGKILL");
  await client.closed;
  const text = readFileSync(file, "utf8");
  expect(text).toMatch(/^# mine\n\[desktop\]\nn = \d+\n$/);
  expect(Number(Object(parse(text)["desktop"])["n"])).toBeGreaterThanOrEqual(answered);

  const next = await start({ CODEX_HOME: codexHome });
  await write(next.client, "n", 1000);
  expect(readFileSync(file, "utf8")).toBe("# mine\n[desktop]\nn = 1000\n");
  expect(readdirSync(codexHome).filter((name) => name.startsWith(".config.toml"))).toEqual([]);
  expect(existsSync(`${file}.lock`)).toBe(false);
}, 120_000);

test("two hosts that share it lose none of their changes", async () => {
  const one = await start({}, original);
  const codexHome = join(one.host.home, ".codex");
  const two = await start({ CODEX_HOME: codexHome });
  const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
  await Promise.all(
    keys.flatMap((key, index) => [
      write(one.client, `one_${key}`, index),
      write(two.client, `two_${key}`, index),
    ]),
  );
  const text = readFileSync(join(codexHome, "config.toml"), "utf8");
  expect(text.startsWith(original)).toBe(true);
  expect(parse(text)["desktop"]).toEqual({
    n: 0,
    ...Object.fromEntries(keys.map((key, index) => [`one_${key}`, index])),
    ...Object.fromEntries(keys.map((key, index) => [`two_${key}`, index])),
  });
}, 120_000);
