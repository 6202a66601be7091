/** The sandbox of this machine. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LinuxSandbox, type LinuxSandboxOptions } from "./linux-sandbox.ts";
import { MacSandbox } from "./mac-sandbox.ts";
import type { SandboxState } from "../../permissions/sandbox-state.ts";
import { type Sandbox, SandboxError } from "./port.ts";

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
    const state = await createSandbox({ stateFolder, hidden: [], path: path ?? "" }).state();
    if (!state.works) throw new Error(`${state.reason}; ${state.fix}`);
    return state.how;
  } finally {
    rmSync(stateFolder, { recursive: true, force: true });
  }
}
