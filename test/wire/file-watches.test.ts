/** `fs/watch`: changes of files and folders, told to the connection that asked. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { HostClient, startOn, stopHosts, temporaryHomes } from "../helpers/running-host.ts";

afterEach(stopHosts);

async function bench() {
  const homes = temporaryHomes("");
  await startOn(homes);
  const client = await HostClient.connect(homes);
  const at = (name: string): string => join(homes.cwd, name);
  const changes = (watchId: string): readonly string[] =>
    client.sent
      .filter(({ method, params }) => method === "fs/changed" && params?.["watchId"] === watchId)
      .flatMap(({ params }) => Object(params)["changedPaths"]);
  return {
    homes,
    client,
    at,
    changes,
    watch: (watchId: string, path: string) => client.call("fs/watch", { watchId, path }),
    /** Makes the change, and waits until the path was told. */
    told: async (watchId: string, path: string, change: () => void): Promise<void> => {
      const before = changes(watchId).length;
      change();
      await client.until(() => changes(watchId).slice(before).includes(path));
    },
  };
}

test("a file is watched through writes, being replaced, going and coming back", async () => {
  const { at, watch, told } = await bench();
  writeFileSync(at("f"), "1");
  expect(await watch("w", at("./x/../f"))).toEqual({ path: at("f") });
  await told("w", at("f"), () => writeFileSync(at("f"), "2"));
  await told("w", at("f"), () => {
    writeFileSync(at("tmp"), "3");
    renameSync(at("tmp"), at("f"));
  });
  await told("w", at("f"), () => writeFileSync(at("f"), "4"));
  await told("w", at("f"), () => rmSync(at("f")));
  await told("w", at("f"), () => writeFileSync(at("f"), "5"));
});

test("a folder tells what changes directly in it, by the names that the caller used", async () => {
  const { at, watch, told, changes } = await bench();
  mkdirSync(at("d/sub"), { recursive: true });
  symlinkSync("d", at("link"));
  await watch("w", at("d"));
  await watch("l", at("link"));
  await told("w", at("d/a"), () => writeFileSync(at("d/a"), ""));
  await told("w", at("d/b"), () => renameSync(at("d/a"), at("d/b")));
  await told("l", at("link/b"), () => rmSync(at("d/b")));
  writeFileSync(at("d/sub/deep"), "");
  await told("w", at("d/end"), () => writeFileSync(at("d/end"), ""));
  expect(changes("w").filter((path) => path.includes("deep"))).toEqual([]);
});

test("what is not there is told of when it comes, with folders above it too", async () => {
  const { at, watch, told } = await bench();
  expect(await watch("w", at("x/y/z"))).toEqual({ path: at("x/y/z") });
  await told("w", at("x/y/z"), () => {
    mkdirSync(at("x/y"), { recursive: true });
    writeFileSync(at("x/y/z"), "");
  });
  await told("w", at("x/y/z"), () => writeFileSync(at("x/y/z"), "more"));
});

test("a folder that was removed and made again is watched again", async () => {
  const { at, watch, told, changes } = await bench();
  mkdirSync(at("d"));
  await watch("w", at("d"));
  await told("w", at("d"), () => rmSync(at("d"), { recursive: true }));
  await told("w", at("d"), () => mkdirSync(at("d")));
  await told("w", at("d/a"), () => writeFileSync(at("d/a"), ""));
  expect(new Set(changes("w"))).toEqual(new Set([at("d"), at("d/a")]));
});

test(
  "a burst of changes is told in few words, and the last state is never missed",
  { timeout: 180_000 },
  async () => {
    const { at, watch, client, told } = await bench();
    mkdirSync(at("d"));
    await watch("w", at("d"));
    for (let index = 0; index < 10_000; index++) writeFileSync(at(`d/${index}`), "");
    await told("w", at("d/last"), () => {
      // behind the burst, once the host has read it
      const again = setInterval(() => writeFileSync(at("d/last"), String(Math.random())), 50);
      void client
        .until(({ params }) => String(Object(params)["changedPaths"]).includes("d/last"))
        .finally(() => clearInterval(again));
    });
    const news = client.sent.filter(({ method }) => method === "fs/changed");
    const most = Math.max(...news.map(({ params }) => Object(params)["changedPaths"].length));
    expect(most).toBeLessThanOrEqual(1_001);
    const seen = new Set(news.flatMap(({ params }) => Object(params)["changedPaths"]));
    expect(seen.has(at("d")) || seen.size >= 10_000).toBe(true);
  },
);

test("names are the connection's own, and end with it", async () => {
  const { homes, at, watch, client, changes, told } = await bench();
  writeFileSync(at("f"), "");
  await watch("w", at("f"));
  expect(await watch("w", at("f")).catch(String)).toContain("-32600 watchId already exists: w");
  const other = await HostClient.connect(homes);
  expect(await other.call("fs/watch", { watchId: "w", path: at("f") })).toEqual({ path: at("f") });
  expect(await client.call("fs/unwatch", { watchId: "w" })).toEqual({});
  expect(await client.call("fs/unwatch", { watchId: "w" })).toEqual({});
  await watch("v", at("f"));
  await told("v", at("f"), () => writeFileSync(at("f"), "1"));
  expect(changes("w")).toEqual([]);
  expect(await watch("r", "relative").catch(String)).toContain("Invalid request: ");
});

test("there are only so many of one connection", async () => {
  const { at, watch } = await bench();
  writeFileSync(at("f"), "");
  for (let index = 0; index < 256; index++) await watch(`w${index}`, at("f"));
  expect(await watch("more", at("f")).catch(String)).toContain("256 watches of this connection");
});
