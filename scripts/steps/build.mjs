import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { root } from "./root.mjs";
import { run, say } from "./tell.mjs";

const dist = join(root, "dist");
const stamp = ".sources";
const dashboardConfig = "src/dashboard/vite.config.ts";

/** Whether dist/ was made from exactly these sources. By content: a branch switch that changes nothing builds nothing. */
export function isBuilt() {
  const stampFile = join(dist, stamp);
  if (!existsSync(join(dist, "main.js")) || !existsSync(stampFile)) return false;
  return readFileSync(stampFile, "utf8") === fingerprint();
}

/**
 * Makes dist/ anew: the host by tsc, the dashboard by Vite, both at once, beside the old one, which is
 * replaced when all went well. The stamp comes last.
 */
export async function build() {
  const made = fingerprint();
  const next = join(root, `dist-${process.pid}`);
  try {
    await Promise.all([buildHost(next), buildDashboard(join(next, "dashboard"))]);
    // npx starts the file itself.
    chmodSync(join(next, "main.js"), 0o755);
    writeFileSync(join(next, stamp), made);
    rmSync(dist, { recursive: true, force: true });
    renameSync(next, dist);
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
}

const buildHost = (folder) =>
  node("Building the host", "node_modules/typescript/bin/tsc", ["-p", ".", "--outDir", folder]);

async function buildDashboard(folder) {
  if (existsSync(join(root, dashboardConfig))) {
    const script = "node_modules/vite/bin/vite.js";
    const args = ["build", "--config", dashboardConfig, "--outDir", folder, "--emptyOutDir"];
    await node("Building the dashboard", script, args);
  } else say(`No dashboard: ${dashboardConfig} does not exist, the host will serve none.`);
}

const node = (title, script, args) =>
  run(title, process.execPath, [join(root, script), ...args], {
    cwd: root,
    env: { ...process.env, NODE_ENV: "production" },
  });

function fingerprint() {
  const hash = createHash("sha256");
  for (const file of ["package.json", "package-lock.json", "tsconfig.json", ...sources()])
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update("\0");
  return hash.digest("hex");
}

const sources = () =>
  readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .toSorted();
