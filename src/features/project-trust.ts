/** Starting work in a folder with a permissive sandbox says that its project is trusted, where nobody said anything about it yet. */
import { ConfigError, ConfigWriteError } from "../config/port.ts";
import type { Context } from "../dispatch/context.ts";
import { accessTo, pathRules } from "../permissions/path-access.ts";
import { mayUnconfine } from "../protocol/host-policy.ts";
import type { PermissionProfile } from "../protocol/permission-profile.ts";
import { groundAt } from "../util/ground.ts";
import { permissionsUnder } from "./permission-profile.ts";
import { folderOf } from "./thread-settings.ts";

interface Start {
  /** As the caller named it; without one nothing is marked. */
  readonly cwd: string | null | undefined;
  /** The thread's own keys. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What the caller asked for; undefined: as configured. */
  readonly profile: PermissionProfile | undefined;
}

/**
 * Only who may take the sandbox away may cause it: a trusted project's own configuration counts from then on. Gives a sentence
 * for people when the mark could not be written; the thread starts all the same.
 */
export async function trustByStart(context: Context, start: Start): Promise<string | undefined> {
  const { config, configEditor, principal, host } = context;
  const folder = folderOf(context, start.cwd);
  if (folder === undefined || !mayUnconfine(principal.role, host.policy)) return undefined;
  const settings = config.read(start.config, folder);
  if (settings.trustLevel !== null) return undefined;
  if (!isPermissive(start.profile ?? permissionsUnder(settings).profile, folder)) return undefined;
  try {
    await configEditor.trust(folder, start.config);
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError || error instanceof ConfigWriteError || isFileFault(error))
      return `${folder} could not be marked as a trusted project: ${error.message}`;
    throw error;
  }
}

/** Without a sandbox, or with the right to write in the folder itself. A sandbox of somebody else's says nothing. */
function isPermissive(profile: PermissionProfile, folder: string): boolean {
  const ground = groundAt(folder);
  const mayWrite = accessTo(ground.realPath(folder), pathRules(profile, ground)) === "write";
  return profile.type !== "external" && mayWrite;
}

const isFileFault = (error: unknown): error is Error => error instanceof Error && "code" in error;
