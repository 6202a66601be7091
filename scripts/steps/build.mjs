import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { keepCode } from "./keep-code.mjs";
import { root } from "./root.mjs";
import { run } from "./tell.mjs";

const dist = join(root, "dist");
const stamp = ".sources";
const hostConfig = "scripts/host.vite.config.mjs";
const launcher = "scripts/launcher.cjs";
const dashboardConfig = "src/dashboard/vite.config.ts";

/** Whether dist/ was made from exactly these sources, by this Node. By content: a branch switch that changes nothing builds nothing. */
export function isBuilt() {
  const stampFile = join(dist, stamp);
  if (!existsSync(join(dist, "main.js")) || !existsSync(stampFile)) return false;
  return readFileSync(stampFile, "utf8") === fingerprint();
}

/**
 * Makes dist/ anew: host and dashboard at once, beside the old one, which is replaced when all went
 * well. The stamp comes last.
 */
export async function build() {
  const made = fingerprint();
  const next = join(root, `dist-${process.pid}`);
  try {
    await Promise.all([
      bundle("Building the host", hostConfig, next),
      bundle("Building the dashboard", dashboardConfig, join(next, "dashboard")),
    ]);
    // The grammar alone: the package beside it is for programs that are compiled with it.
    const grammar = fileURLToPath(import.meta.resolve("tree-sitter-bash/tree-sitter-bash.wasm"));
    copyFileSync(grammar, join(next, basename(grammar)));
    // npx starts the file itself.
    copyFileSync(join(root, launcher), join(next, "main.js"));
    chmodSync(join(next, "main.js"), 0o755);
    writeFileSync(join(next, "package.json"), '{ "type": "commonjs" }\n');
    rmSync(dist, { recursive: true, force: true });
    renameSync(next, dist);
    // Only there: what is kept holds the names of the files.
    await keepCode(dist);
    writeFileSync(join(dist, stamp), made);
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
}

const bundle = (title, config, folder) =>
  run(
    title,
    process.execPath,
    [join(root, "node_modules/vite/bin/vite.js"), "build", "--config", config, "--outDir", folder],
    { cwd: root, env: { ...process.env, NODE_ENV: "production" } },
  );

function fingerprint() {
  // What is compiled is for one version of Node alone.
  const hash = createHash("sha256").update(`${process.version}\0`);
  for (const file of [
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    hostConfig,
    launcher,
    ...sources(),
  ])
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
