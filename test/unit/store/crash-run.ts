/** Kills the writing process at seeded points, and looks at what is left each time. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { expect } from "vitest";
import { openDatabase } from "../../../src/db/database.ts";
import type { ThreadId } from "../../../src/protocol/ids.ts";
import { createLocalStore } from "../../../src/store/local/local-store.ts";
import type { ThreadStore } from "../../../src/store/port.ts";
import { root } from "../../architecture/tree.ts";
import { turnOf } from "../../contract/thread-events.ts";
import { seededRandom } from "../../helpers/seeded-random.ts";
import { note } from "./crash-deeds.ts";
import type { Deed, Expected, Threads } from "./crash-deeds.ts";
import { all } from "./local-home.ts";

const silent = { warn: () => undefined, error: () => undefined };

/** The writer as one file that Node runs. */
async function builtWriter(folder: string): Promise<string> {
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await build({
    configFile: false,
    logLevel: "error",
    root,
    build: {
      ssr: fileURLToPath(new URL("./crash-writer.ts", import.meta.url)),
      outDir: join(folder, "built"),
      rollupOptions: { output: { entryFileNames: "writer.mjs" } },
    },
  });
  return join(folder, "built/writer.mjs");
}

/** What the writer said until it was killed, `afterMs` after its start or after its first word. */
async function killed(
  command: readonly string[],
  afterMs: number,
  fromStart: boolean,
): Promise<readonly { readonly word: string; readonly deed: Deed }[]> {
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  let said = "";
  const kill = (): void => void setTimeout(() => child.kill("SIGKILL"), afterMs);
  if (fromStart) kill();
  else child.stdout.once("data", kill);
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  const [code, signal] = await ended;
  expect([code, signal]).toEqual([null, "SIGKILL"]);
  const lines = said.split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}

async function rollouts(home: string): Promise<string[]> {
  const names = await readdir(home, { recursive: true }).catch(() => []);
  return names.filter((name) => name.endsWith(".jsonl") && name.includes("rollout-"));
}

async function textsOf(store: ThreadStore, id: ThreadId): Promise<string[]> {
  const { turns } = await store.load(id);
  return turns.flatMap(({ items }) =>
    items.flatMap((item) =>
      item.type === "agentMessage" && typeof item.text === "string"
        ? [item.text.replace("answer to ", "").trimEnd().replace(/ x+$/, "")]
        : [],
    ),
  );
}

/** One thread is as its writer was told, or one step further. */
async function checkThread(store: ThreadStore, id: ThreadId, expected: Expected): Promise<void> {
  const found = await store.find(id);
  if (found === undefined) {
    expect([id, expected.maybe]).toEqual([id, true]);
    return;
  }
  expect(expected.names).toContain(found.name);
  expect(expected.archived).toContain(found.archived);
  const texts = await textsOf(store, id);
  expect(texts.slice(0, expected.texts.length)).toEqual(expected.texts);
  expect([undefined, expected.maybeText]).toContain(texts[expected.texts.length]);
  expect(texts.length).toBeLessThanOrEqual(expected.texts.length + 1);
  const { data } = await store.list({ ...all, archived: found.archived });
  // A thread whose first turn was torn in two has nothing to be listed under.
  if (expected.texts.length > 0) expect(data.map((row) => row.id)).toContain(id);
  const writer = await store.open(id);
  await writer.append(turnOf(`after ${id}`));
  await writer.close();
  expect(await textsOf(store, id)).toEqual([...texts, `after ${id}`]);
}

async function removeDatabase(file: string): Promise<void> {
  for (const suffix of ["", "-wal", "-shm"]) await rm(file + suffix, { force: true });
}

export interface CrashFigures {
  readonly kills: number;
  readonly deeds: number;
  readonly threads: number;
  readonly tornLines: number;
}

export async function killAtSeededPoints(kills: number, firstSeed: number): Promise<CrashFigures> {
  const folder = await mkdtemp(join(tmpdir(), "farhelm-crash-"));
  let [deeds, threadCount, tornLines] = [0, 0, 0];
  try {
    const program = await builtWriter(folder);
    for (let seed = firstSeed; seed < firstSeed + kills; seed += 1) {
      const home = join(folder, `home-${seed % 5}`);
      const databaseFile = join(folder, `state-${seed % 5}.sqlite`);
      const random = seededRandom(seed);
      const command = [program, home, databaseFile, String(seed)];
      const fromStart = random() < 0.25;
      // Then the index is made, and made again from the files, while the process is killed.
      if (random() < 0.2) await removeDatabase(databaseFile);
      const said = await killed(command, random() * (fromStart ? 300 : 120), fromStart);
      const threads: Threads = new Map();
      for (const { word, deed } of said) note(threads, deed, word === "done");
      deeds += said.filter(({ word }) => word === "done").length;
      threadCount += threads.size;
      for (const name of await rollouts(home)) {
        const text = await readFile(join(home, name), "utf8");
        if (!text.endsWith("\n")) tornLines += 1;
      }
      const database = openDatabase(databaseFile);
      const store = createLocalStore({ codexHome: home, database, log: silent });
      for (const [id, expected] of threads) await checkThread(store, id, expected);
      await store.close();
      database.close();
      const files = await rollouts(home);
      expect(new Set(files.map((name) => name.slice(-42))).size).toBe(files.length);
      for (const name of files) {
        const lines = (await readFile(join(home, name), "utf8")).split("\n");
        expect(lines.pop()).toBe("");
        for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
      }
      if (seed % 25 === 0) await rm(home, { recursive: true, force: true });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { kills, deeds, threads: threadCount, tornLines };
}
