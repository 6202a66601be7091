/** Looks for programs as the system would, where the system's own answer comes too late or not at all. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { getSystemErrorMap } from "node:util";
import { ClientCommandError } from "./port.ts";

const noFile = new ClientCommandError("notStarted", "No such file or directory (os error 2)");
const noFolder = new ClientCommandError("notStarted", "Not a directory (os error 20)");

/** Throws `ClientCommandError` in the system's words when the program or the folder cannot be used. */
export function checkProgram(program: string, cwd: string, path: string): void {
  try {
    if (!statSync(cwd).isDirectory()) throw noFolder;
    if (program.includes("/")) accessSync(resolve(cwd, program), constants.X_OK);
    else if (findProgram(program, path, cwd) === undefined) throw noFile;
  } catch (error) {
    throw notStarted(error);
  }
}

/** The absolute path of a program on `path`. Folders of `path` that are relative count only where `cwd` is given. */
export function findProgram(program: string, path: string, cwd?: string): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => cwd !== undefined || isAbsolute(folder))
    .map((folder) => join(resolve(cwd ?? "/", folder), program))
    .find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The error in the words of the system, as in `No such file or directory (os error 2)`. */
export function notStarted(error: unknown): ClientCommandError {
  if (error instanceof ClientCommandError) return error;
  return new ClientCommandError("notStarted", systemWords(error), error);
}

function systemWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && error.code === "ERR_INVALID_ARG_VALUE")
    return "nul byte found in provided data";
  const number = "errno" in error && typeof error.errno === "number" ? error.errno : undefined;
  const words = number === undefined ? undefined : getSystemErrorMap().get(number)?.[1];
  if (number === undefined || words === undefined) return error.message;
  return `${words.charAt(0).toUpperCase()}${words.slice(1)} (os error ${-number})`;
}
