/** What the host's own files are worth to those who may touch all others. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { HostClient } from "../helpers/running-host.ts";
import { attack, useHost } from "./attack.ts";
import type { Bench } from "./bench.ts";

const canary = "canary-5f2c9d";
const login = JSON.stringify({ OPENAI_API_KEY: canary });

useHost(async () => ({
  prepare: ({ codexHome }) => {
    mkdirSync(codexHome, { recursive: true });
    writeFileSync(join(codexHome, "auth.json"), login, { mode: 0o600 });
  },
}));

/** One try: what was asked, and whether it came through. */
interface Tries {
  tried: number;
  admitted: number;
}

/** Counts a call that must be refused; what it answers must not hold the canary. */
async function mustFail(
  tries: Tries,
  client: HostClient,
  method: string,
  params: object,
): Promise<void> {
  tries.tried += 1;
  const said = await client.call(method, params).then(
    (answer) => ({ answer }),
    () => undefined,
  );
  if (said) tries.admitted += 1;
}

const dataBase64 = Buffer.from("{}").toString("base64");

/** Every method on a path that is the host's own. */
const callsOn = (path: string, spare: string): readonly (readonly [string, object])[] => [
  ["fs/readFile", { path }],
  ["fs/readDirectory", { path }],
  ["fs/getMetadata", { path }],
  ["fs/writeFile", { path, dataBase64 }],
  ["fs/writeFile", { path: join(path, "new"), dataBase64 }],
  ["fs/createDirectory", { path: join(path, "new") }],
  ["fs/createDirectory", { path: join(path, "a/b/c"), recursive: true }],
  ["fs/copy", { sourcePath: path, destinationPath: `${spare}-out`, recursive: true }],
  ["fs/copy", { sourcePath: spare, destinationPath: path, recursive: true }],
  ["fs/copy", { sourcePath: spare, destinationPath: join(path, "in"), recursive: true }],
  ["fs/remove", { path: join(path, "issuer-key.json"), force: false }],
  ["fs/watch", { watchId: path, path }],
];

/** Searches say nothing of what is wrong with a root: they must find nothing. */
async function mustFindNothing(tries: Tries, client: HostClient, root: string): Promise<void> {
  tries.tried += 1;
  const params = { query: "json", roots: [root], cancellationToken: null };
  const { files } = await client.call("fuzzyFileSearch", params);
  if (JSON.stringify(files) !== "[]") tries.admitted += 1;
}

/** The same thing by other names. */
function otherNames({ homes }: Bench): readonly string[] {
  const { farhelmHome, codexHome, cwd } = homes;
  const auth = join(codexHome, "auth.json");
  const key = join(farhelmHome, "issuer-key.json");
  const [link, chain, hard] = [join(cwd, "link"), join(cwd, "chain"), join(cwd, "hard")];
  const [hardKey, folder] = [join(cwd, "hard-key"), join(cwd, "folder")];
  symlinkSync(auth, link);
  symlinkSync(link, chain);
  linkSync(auth, hard);
  linkSync(key, hardKey);
  symlinkSync(farhelmHome, folder);
  const around = (path: string): readonly string[] => [
    path,
    `${dirname(path)}/./${basename(path)}`,
    `${dirname(path)}//${basename(path)}/`,
    `${cwd}/x/../${relative(cwd, path)}`,
    `/proc/self/root${path}`,
    `/proc/self/cwd/${relative(process.cwd(), path)}`,
    `/proc/${process.pid}/root${path}`,
    `/proc/thread-self/root${path}`,
  ];
  return [...[auth, key, farhelmHome].flatMap(around), link, chain, hard, hardKey, folder];
}

attack(
  "D10",
  "the host's own files by every name and every file method, and while names are swapped",
  { expect: { act: "call", code: "protected_path" }, timeoutMs: 180_000 },
  async (bench) => {
    const { farhelmHome, codexHome, cwd } = bench.homes;
    const tries: Tries = { tried: 0, admitted: 0 };
    const spare = join(cwd, "spare");
    writeFileSync(spare, "spare");
    const names = otherNames(bench);
    for (const role of ["operator", "admin"] as const) {
      const client = await bench.clientAs(role);
      for (const name of names) {
        for (const [method, params] of callsOn(name, spare)) {
          await mustFail(tries, client, method, params);
        }
        await mustFindNothing(tries, client, name);
      }
      for (const path of [farhelmHome, dirname(farhelmHome), codexHome, dirname(codexHome), "/"]) {
        await mustFail(tries, client, "fs/remove", { path });
        const destinationPath = join(cwd, "copied");
        await mustFail(tries, client, "fs/copy", {
          sourcePath: path,
          destinationPath,
          recursive: true,
        });
      }
      for (const path of [
        "/proc/self/environ",
        `/proc/${process.pid}/mem`,
        "/proc/1/environ",
        "/dev/mem",
        "/dev/zero",
        "/dev/stdin",
        "/dev/fd/0",
        `${spare}\0.txt`,
        "relative",
        "",
      ]) {
        await mustFail(tries, client, "fs/readFile", { path });
      }
    }
    const harmless = await whileSwapping(bench, tries);
    tries.admitted += damage(bench);
    return { ...tries, harmless };
  },
);

/** Makes each place by turns a folder of its own and a link to somewhere else, as often as it can. */
const swapper = `
const { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } = require("node:fs");
const attempt = (step) => { try { step(); } catch {} };
const still = new Int32Array(new SharedArrayBuffer(4));
const dwell = () => Atomics.wait(still, 0, 0, Math.random());
process.stdout.write("on\\n");
for (;;) for (const [place, elsewhere] of JSON.parse(process.argv[1])) {
  attempt(() => mkdirSync(place));
  attempt(() => writeFileSync(place + "/auth.json", "harmless"));
  dwell();
  attempt(() => renameSync(place, place + ".gone"));
  attempt(() => symlinkSync(elsewhere, place));
  dwell();
  attempt(() => unlinkSync(place));
  attempt(() => rmSync(place + ".gone", { recursive: true }));
  attempt(() => rmSync(place, { recursive: true }));
}`;

const rounds = 60;

/** Calls on folders that are, by turns, harmless ones and the host's own. Gives how many calls were answered well. */
async function whileSwapping(bench: Bench, tries: Tries): Promise<number> {
  const { cwd, codexHome, root } = bench.homes;
  const [name, tree, outside] = [join(cwd, "swapped"), join(cwd, "tree"), join(root, "outside")];
  mkdirSync(join(outside, "auth.json"), { recursive: true });
  const places = [
    [name, codexHome],
    [join(tree, "inner"), outside],
  ];
  const client = await bench.clientAs("admin");
  const child = spawn(process.execPath, ["-e", swapper, JSON.stringify(places)], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  const path = join(name, "auth.json");
  const [copy, copies] = [join(cwd, "stolen"), join(cwd, "stolen-folder")];
  const calls: readonly (readonly [string, object])[] = [
    ["fs/createDirectory", { path: join(tree, "inner") }],
    ...Array.from({ length: 20 }, () => ["fs/readFile", { path }] as const),
    ["fs/copy", { sourcePath: path, destinationPath: copy }],
    ["fs/copy", { sourcePath: name, destinationPath: copies, recursive: true }],
    ["fs/copy", { sourcePath: cwd, destinationPath: join(root, "all"), recursive: true }],
    ["fs/writeFile", { path, dataBase64 }],
    ["fs/remove", { path }],
    ["fs/remove", { path: tree }],
  ];
  let done = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      // all at once: each of them has its own moment between the look and the deed
      const answers = calls.map(([method, params]) =>
        client.call(method, params).catch(() => undefined),
      );
      tries.tried += calls.length;
      for (const answer of await Promise.all(answers)) {
        if (answer) done += 1;
        const read = answer?.["dataBase64"];
        if (typeof read === "string" && Buffer.from(read, "base64").includes(canary)) {
          tries.admitted += 1;
        }
      }
      for (const file of [copy, join(copies, "auth.json"), join(root, "all/swapped/auth.json")]) {
        if (holdsCanary(file)) tries.admitted += 1;
      }
      if (!existsSync(join(outside, "auth.json"))) tries.admitted += 1;
    }
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  return done;
}

/** Not by a link that was copied as a link: that holds nothing. */
const holdsCanary = (file: string): boolean =>
  existsSync(file) &&
  realpathSync(file) ===
    join(realpathSync(dirname(dirname(file))), basename(dirname(file)), basename(file)) &&
  readFileSync(file, "utf8").includes(canary);

/** What of the host's own is not as it was. */
function damage({ homes }: Bench): number {
  const { farhelmHome, codexHome } = homes;
  const strangers = ["new", "in", "a", "auth.json"].filter((name) =>
    existsSync(join(farhelmHome, name)),
  );
  const isWhole = readFileSync(join(codexHome, "auth.json"), "utf8") === login;
  const hasKey = existsSync(join(farhelmHome, "issuer-key.json"));
  return strangers.length + (isWhole ? 0 : 1) + (hasKey ? 0 : 1);
}
