import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./root.mjs";
import { run } from "./tell.mjs";

/**
 * Whether node_modules holds what package-lock.json names for this machine. npm writes its own record
 * (node_modules/.package-lock.json) last, so a broken-off install has none.
 */
export function isInstalled() {
  const wanted = readLock(join(root, "package-lock.json"));
  const present = readLock(join(root, "node_modules/.package-lock.json"));
  if (wanted === undefined || present === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "" || !isFor(entry)) return true;
    const found = present[path];
    return found?.version === entry.version && found?.integrity === entry.integrity;
  });
}

/** No install scripts: every native part comes as a binary inside an npm package. */
export function install() {
  const npmCli = npmScript();
  const args = ["ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund"];
  const [command, lead] = npmCli === undefined ? ["npm", []] : [process.execPath, [npmCli]];
  return run("Installing dependencies", command, [...lead, ...args], {
    cwd: root,
    env: { ...process.env, NODE_ENV: "" },
  });
}

/** The npm that runs us, else the one beside Node; undefined: the one on PATH. */
function npmScript() {
  const running = process.env.npm_execpath;
  if (running?.endsWith("npm-cli.js")) return running;
  const beside = join(dirname(process.execPath), "../lib/node_modules/npm/bin/npm-cli.js");
  return existsSync(beside) ? beside : undefined;
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** npm leaves out optional packages that do not name this system. Those that name a C library too are not looked at. */
function isFor({ optional, libc, os = [], cpu = [] }) {
  if (!optional) return true;
  return libc === undefined && os.includes(process.platform) && cpu.includes(process.arch);
}
