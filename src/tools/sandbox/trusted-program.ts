/** Programs that stand between a command and the host: none that a command could have put there. */
import { lstatSync, realpathSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";

export type Found =
  | { readonly path: string }
  /** One is there, but somebody other than the machine's administrator may change it. */
  | { readonly changeable: string }
  | undefined;

/** The first of the name on `path` that only root may change; its real path. */
export function trustedProgram(name: string, path: string): Found {
  let changeable: string | undefined;
  for (const folder of path.split(delimiter).filter(isAbsolute)) {
    const real = realProgram(join(folder, name));
    if (real === undefined) continue;
    if (isRoots(real)) return { path: real };
    changeable ??= real;
  }
  return changeable === undefined ? undefined : { changeable };
}

function realProgram(path: string): string | undefined {
  try {
    const real = realpathSync.native(path);
    const found = lstatSync(real);
    return found.isFile() && (found.mode & 0o111) !== 0 ? real : undefined;
  } catch {
    return undefined;
  }
}

/** The file and every folder above it. */
function isRoots(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    const { uid, mode } = lstatSync(at);
    if (uid !== 0 || (mode & 0o022) !== 0) return false;
    if (at === "/") return true;
  }
}
