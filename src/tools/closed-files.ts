/** Which files no tool of the agent's looks at: this host's own secrets, and what the thread may not read. */
import type { Stats } from "node:fs";
import { accessTo, isInside, pathRules } from "../permissions/path-access.ts";
import { groundAt } from "../util/ground.ts";
import type { Environment } from "./command-environment.ts";
import type { ToolContext } from "./port.ts";
import { isProtected } from "../permissions/protected-paths.ts";

/** What is in there is no file on a disk: reading may wait for ever or show what this process holds in memory. */
const systemFolders = ["/proc", "/sys", "/dev"];

/**
 * Takes a real path, and what is open of it if something is; undefined: the file is open to tools. Otherwise the
 * rest of a sentence that begins with its name.
 */
export type WhyClosed = (real: string, opened?: Stats) => string | undefined;

export type ClosedFiles = (context: Pick<ToolContext, "cwd" | "permissionProfile">) => WhyClosed;

export const closedFiles =
  (protectedPaths: readonly string[], environment: Environment): ClosedFiles =>
  ({ cwd, permissionProfile }) => {
    const rules = pathRules(permissionProfile, groundAt(cwd, environment));
    return (real, opened) => {
      if (systemFolders.some((folder) => isInside(folder, real)))
        return "shows the inside of processes and devices";
      if (isProtected(real, protectedPaths, opened)) return "holds this host's own secrets";
      return accessTo(real, rules) === "none"
        ? "may not be read: the permissions deny it"
        : undefined;
    };
  };
