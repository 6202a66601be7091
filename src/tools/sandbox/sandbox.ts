/** The sandbox of this machine. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LinuxSandbox, type LinuxSandboxOptions } from "./linux-sandbox.ts";
import { MacSandbox } from "./mac-sandbox.ts";
import type { PathRules } from "../../permissions/path-access.ts";
import type { SandboxState } from "../../permissions/sandbox-state.ts";
import { type Sandbox, SandboxError } from "./port.ts";
import { probeFault } from "./probe.ts";

export function createSandbox(options: LinuxSandboxOptions): Sandbox {
  if (process.platform === "linux") return new LinuxSandbox(options);
  return process.platform === "darwin" ? new MacSandbox(options.hidden) : noSandbox;
}

const unsupported: SandboxState = {
  works: false,
  reason: `there is none for ${process.platform}`,
  fix: "run Farhelm on Linux or macOS",
};

const noSandbox: Sandbox = {
  state: async () => unsupported,
  confine: async () => {
    throw new SandboxError(`${unsupported.reason}; ${unsupported.fix}`);
  },
};

/** Tries it without a host. Rejects with a sentence where none works. */
export async function checkSandbox(path: string | undefined): Promise<string> {
  const stateFolder = mkdtempSync(join(tmpdir(), "farhelm-sandbox-check-"));
  try {
    const sandbox = createSandbox({ stateFolder, hidden: [], path: path ?? "" });
    const state = await sandbox.state();
    if (!state.works) throw new Error(`${state.reason}; ${state.fix}`);
    const fault = await proxyFault(sandbox);
    return fault === undefined ? state.how : `${state.how}; no network proxy: ${fault}`;
  } finally {
    rmSync(stateFolder, { recursive: true, force: true });
  }
}

/** Nobody connects to it. */
const idleProxy = { environment: () => ({}), serve: () => undefined, close: () => undefined };

/** Why a command could not be kept behind a proxy; it runs one that does nothing. */
async function proxyFault(sandbox: Sandbox): Promise<string | undefined> {
  const rules: PathRules = {
    rules: [{ path: "/", access: "read" }],
    deniedGlobs: [],
    globScanMaxDepth: undefined,
  };
  const command = ["/bin/sh", "-c", ":"];
  const request = { command, cwd: "/", rules, network: idleProxy, environment: {} };
  try {
    const confined = await sandbox.confine(request);
    return await probeFault(confined).finally(confined.release);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
