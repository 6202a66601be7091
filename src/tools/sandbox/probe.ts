/** Runs a confined program that does nothing, to see whether it can run at all. */
import { spawn } from "node:child_process";
import type { Confined } from "./port.ts";

const timeoutMs = 20_000;
/** Enough for what a program says before it gives up. */
const maxWhyBytes = 16_384;

/**
 * Undefined where it ran to its end; else why not. One that hangs is killed with all that it started: what starts a sandbox
 * does not listen to a polite signal.
 */
export async function probeFault(
  { command, environment }: Pick<Confined, "command" | "environment">,
  limitMs = timeoutMs,
): Promise<string | undefined> {
  const [program = "", ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: { ...environment },
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let why = Buffer.alloc(0);
    child.stderr.on("data", (chunk: Buffer) => {
      why = Buffer.concat([why, chunk]).subarray(0, maxWhyBytes);
    });
    const end = (fault: string | undefined): void => {
      clearTimeout(timer);
      resolve(fault);
    };
    const timer = setTimeout(() => {
      killGroup(child.pid);
      child.stderr.destroy();
      end(`it was not done after ${limitMs} ms`);
    }, limitMs);
    child.once("error", (error) => end(error.message));
    child.once("close", (code, signal) =>
      end(code === 0 ? undefined : why.toString().trim() || `it ended with ${code ?? signal}`),
    );
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // it ended at this moment
  }
}
