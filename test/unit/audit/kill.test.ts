import { spawn } from "node:child_process";
import { once } from "node:events";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { expect, test } from "vitest";
import { verifyAudit } from "../../../src/audit/verify.ts";
import { root } from "../../architecture/tree.ts";
import { seededRandom } from "../../helpers/seeded-random.ts";
import { LogBench } from "./log-bench.ts";

const kills = 12;

/** The writer as one file that Node runs. */
async function builtWriter(folder: string): Promise<string> {
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  await build({
    configFile: false,
    logLevel: "error",
    root,
    build: {
      ssr: fileURLToPath(new URL("./kill-writer.ts", import.meta.url)),
      outDir: join(folder, "built"),
      rollupOptions: { output: { entryFileNames: "writer.mjs" } },
    },
  });
  return join(folder, "built/writer.mjs");
}

/** The last head that the writer had given out when it was killed. */
async function killed(
  program: string,
  home: string,
  seed: number,
  afterMs: number,
): Promise<string> {
  const child = spawn(process.execPath, [program, home, String(seed)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  child.stdout.once("data", () => void setTimeout(() => child.kill("SIGKILL"), afterMs));
  expect(await once(child, "close")).toEqual([null, "SIGKILL"]);
  return said.split("\n").at(-2) ?? "";
}

test(`killed ${kills} times while it writes, the log holds every line that a head spoke of`, async () => {
  const bench = new LogBench();
  const random = seededRandom(7);
  const program = await builtWriter(bench.home);
  const heads: string[] = [];
  for (let seed = 0; seed < kills; seed += 1) {
    heads.push(await killed(program, bench.home, seed, random() * 150));
    await (await bench.open({ ownClock: false })).close();
    const report = await verifyAudit({ dir: bench.dir, head: heads.at(-1) ?? "" });
    expect(report).toContain("is as it was written");
  }
  expect(new Set(heads).size).toBe(kills);
  expect(await verifyAudit({ dir: bench.dir, head: heads[0] ?? "" })).toContain("belongs to it");
  expect(bench.files.length).toBeGreaterThan(1);
}, 300_000);
