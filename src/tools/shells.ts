import { accessSync, constants } from "node:fs";
import { basename, delimiter, isAbsolute, join } from "node:path";
import type { Environment } from "./command-environment.ts";
import { CallError } from "./tool-arguments.ts";

/** Shells that take `-l` and `-c`. */
const knownShells: ReadonlySet<string> = new Set(["bash", "zsh", "sh", "dash", "ksh", "fish"]);

/** The absolute path of a shell that the model names. Throws `CallError`. */
export function namedShell(name: string, environment: Environment): string {
  if (!knownShells.has(basename(name))) {
    throw new CallError(
      `exec_command failed: ${name} is not a shell that can be used here; use one of ${[...knownShells].join(", ")}, or leave \`shell\` out`,
    );
  }
  const folders = isAbsolute(name) ? [""] : (environment["PATH"] ?? "").split(delimiter);
  const found = folders.map((folder) => join(folder, name)).find(isExecutable);
  if (found === undefined) {
    throw new CallError(
      `exec_command failed: the shell ${name} does not exist on this host; leave \`shell\` out to use the default`,
    );
  }
  return found;
}

/** The user's own shell, else bash, else sh. */
export function defaultShell(environment: Environment): string {
  const own = environment["SHELL"];
  if (own !== undefined && isAbsolute(own) && knownShells.has(basename(own)) && isExecutable(own))
    return own;
  return isExecutable("/bin/bash") ? "/bin/bash" : "/bin/sh";
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
