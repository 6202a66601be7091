import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { readHostSettings } from "../config/host-settings.ts";
import type { StoreKind } from "../config/store-kinds.ts";
import { CliError, explain } from "./cli-error.ts";
import { withHost } from "./control-client.ts";
import { homes, userHome, type Homes } from "./homes.ts";
import type { Outside } from "./host.ts";
import {
  certificate,
  clock,
  hostVersion,
  secretFiles,
  versions,
  type Finding,
} from "./doctor-machine.ts";
import type { Setting } from "./program.ts";
import { printable } from "./table.ts";

const defaultPort = 7420;
const noHost: Finding = {
  state: "note",
  text: 'no host is running; "npx farhelm up" starts one',
};

/** Checks what Farhelm needs here, one line each. Rejects when something is in the way. */
export async function doctor(setting: Setting): Promise<void> {
  const { env, stdout } = setting.outside;
  const places = homes(env);
  const running = await runningVersion(setting, places);
  const findings = [
    versions(setting.version),
    nodeVersion(process.versions.node),
    folder("CODEX_HOME", places.codexHome, userHome(env)),
    folder("FARHELM_HOME", places.farhelmHome, userHome(env)),
    secretFiles(places.farhelmHome),
    clock(places.farhelmHome, Date.now()),
    certificate(places.farhelmHome, Date.now()),
    ownSettings(places.farhelmHome),
    ...(await issuerKeys(setting.outside, places.farhelmHome)),
    ...(await store(setting.outside, places.farhelmHome)),
    program("git", ["--version"], "install git: agents need it to show and undo their work"),
    shell(env["SHELL"]),
    ...(running === undefined
      ? [noHost, await port(defaultPort)]
      : [hostVersion(setting.version, running)]),
    await sandbox(setting.outside),
  ];
  for (const { state, text } of findings) stdout.write(`${state.padEnd(4)}  ${text}\n`);
  if (findings.some(({ state }) => state === "FAIL"))
    throw new CliError("Something is in the way; the lines marked FAIL say what to do.");
}

export function nodeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 20 || (major === 20 && minor >= 19)
    ? { state: "ok", text: `Node ${version}` }
    : { state: "FAIL", text: `Node ${version} is too old; install 20.19 or newer` };
}

function folder(name: string, path: string, home: string): Finding {
  if (!existsSync(path)) return { state: "ok", text: `${name} ${path} (made at first start)` };
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return { state: "FAIL", text: `${name} ${path} cannot be written; give it to this user` };
  }
  const open = name === "FARHELM_HOME" && (statSync(path).mode & 0o077) !== 0;
  if (open || path === home)
    return { state: "FAIL", text: `${name} ${path} is open to others; chmod 700 it` };
  return { state: "ok", text: `${name} ${path}` };
}

function ownSettings(farhelmHome: string): Finding {
  try {
    const { issuers } = readHostSettings(farhelmHome);
    const others = issuers.length === 0 ? "none" : issuers.map(({ iss }) => iss).join(", ");
    return { state: "ok", text: `farhelm.toml is in order; other issuers of tokens: ${others}` };
  } catch (error) {
    return { state: "FAIL", text: explain(error) };
  }
}

/** Nothing when farhelm.toml cannot be read: that has a line of its own. */
async function issuerKeys(outside: Outside, farhelmHome: string): Promise<readonly Finding[]> {
  const checks = await outside.checkIssuers(farhelmHome).catch(() => []);
  return checks.map(({ iss, usableKeys, why }) => {
    if (usableKeys > 0) return { state: "ok", text: `issuer ${iss}: ${usableKeys} usable keys` };
    const fix = "check jwks_url or jwks_file in farhelm.toml, and that this machine reaches it";
    return {
      state: "FAIL",
      text: `issuer ${iss}: ${why ?? "none of its keys can be used"}; ${fix}`,
    };
  });
}

/** Nothing when farhelm.toml cannot be read: that has a line of its own. */
async function store(outside: Outside, farhelmHome: string): Promise<readonly Finding[]> {
  const kind = storeKind(farhelmHome);
  if (kind === undefined) return [];
  try {
    const text = await outside.checkStore({ kind, databaseUrl: outside.env["DATABASE_URL"] });
    return [{ state: "ok", text: `store ${kind}: ${text}` }];
  } catch (error) {
    return [{ state: "FAIL", text: `store ${kind}: ${explain(error)}` }];
  }
}

/** A host runs without one, and asks before each command. */
async function sandbox(outside: Outside): Promise<Finding> {
  try {
    return { state: "ok", text: `sandbox: ${await outside.checkSandbox(outside.env["PATH"])}` };
  } catch (error) {
    return { state: "note", text: `no sandbox: ${explain(error)}` };
  }
}

function storeKind(farhelmHome: string): StoreKind | undefined {
  try {
    return readHostSettings(farhelmHome).store.kind;
  } catch {
    return undefined;
  }
}

function program(name: string, args: readonly string[], advice: string): Finding {
  try {
    const said = execFileSync(name, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return { state: "ok", text: said.trim().split("\n", 1)[0] ?? name };
  } catch {
    return { state: "FAIL", text: `${name} does not run; ${advice}` };
  }
}

function shell(path: string | undefined): Finding {
  if (path === undefined) return { state: "note", text: "SHELL is not set; /bin/sh is used" };
  return existsSync(path)
    ? { state: "ok", text: `shell ${path}` }
    : { state: "FAIL", text: `SHELL ${path} does not exist; set SHELL to one that does` };
}

/** Undefined when none runs for this FARHELM_HOME. One from before hosts said it is `unknown`. */
async function runningVersion(setting: Setting, places: Homes): Promise<string | undefined> {
  try {
    return await withHost(setting.outside, places, setting.version, async (control) => {
      const { version } = await control.call("farhelm/host/read", {});
      return typeof version === "string" ? printable(version) : "unknown";
    });
  } catch (error) {
    if (error instanceof CliError) return undefined;
    throw error;
  }
}

const port = (number: number): Promise<Finding> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => {
      resolve({
        state: "note",
        text: `port ${number} is taken; stop what uses it or start with --listen 127.0.0.1:PORT`,
      });
    });
    server.listen(number, "127.0.0.1", () => {
      server.close(() => {
        resolve({ state: "ok", text: `port ${number} is free` });
      });
    });
  });
