import { statSync } from "node:fs";
import { SandboxError } from "./sandbox/port.ts";

/** Undefined: commands can run in the folder. */
export function folderProblem(cwd: string): string | undefined {
  const advice = "name an existing folder in `workdir`, or create it first";
  try {
    return statSync(cwd).isDirectory() ? undefined : `${cwd} is not a folder; ${advice}`;
  } catch (error) {
    const missing = codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";
    return missing
      ? `the folder ${cwd} does not exist; ${advice}`
      : `the folder ${cwd} cannot be used (${codeOf(error)}); ${advice}`;
  }
}

/** A sentence for why a process did not start, with what to do. */
export function startFailure(error: unknown): string {
  if (error instanceof SandboxError) return error.message;
  const code = codeOf(error);
  switch (code) {
    case "E2BIG":
      return "the command is longer than the system accepts; write it to a script file with a patch and run that";
    case "EMFILE":
    case "ENFILE":
      return "the host has no file handles left (EMFILE); end commands that still run, then try again";
    case "EAGAIN":
    case "ENOMEM":
      return `the host cannot start another process (${code}); end commands that still run, then try again`;
    case "EACCES":
      return "the host does not allow this to be started (EACCES); choose another shell or folder";
    default:
      return `the process did not start: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}
