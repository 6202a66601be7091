import { createHash } from "node:crypto";
import { chmodSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./root.mjs";
import { run, say } from "./tell.mjs";

const dist = join(root, "dist");
const stampFile = join(dist, ".sources");
const dashboardConfig = "src/dashboard/vite.config.ts";

/** Whether dist/ was made from exactly these sources. By content: a branch switch that changes nothing builds nothing. */
export function isBuilt() {
  if (!existsSync(join(dist, "main.js")) || !existsSync(stampFile)) return false;
  return readFileSync(stampFile, "utf8") === fingerprint();
}

/** Makes dist/ anew: the host by tsc, the dashboard by Vite, both at once. The stamp comes last. */
export async function build() {
  const made = fingerprint();
  rmSync(dist, { recursive: true, force: true });
  const jobs = [node("Building the host", "node_modules/typescript/bin/tsc", ["-p", "."])];
  if (existsSync(join(root, dashboardConfig))) {
    jobs.push(
      node("Building the dashboard", "node_modules/vite/bin/vite.js", [
        "build",
        "--config",
        dashboardConfig,
        "--outDir",
        join(dist, "dashboard"),
      ]),
    );
  } else say(`No dashboard: ${dashboardConfig} does not exist, the host will serve none.`);
  await Promise.all(jobs);
  // npx starts the file itself.
  chmodSync(join(dist, "main.js"), 0o755);
  writeFileSync(stampFile, made);
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
