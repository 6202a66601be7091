/** Ways to what is held open, so that what was checked is what is used, whatever happens to its name meanwhile. */
import { constants, existsSync } from "node:fs";

const descriptors = "/proc/self/fd";
const hasDescriptors = process.platform === "linux" && existsSync(descriptors);
/** O_PATH of Linux, which Node has no name for: opens for looking alone, without a wait and without an effect. */
export const lookOnly = hasDescriptors ? 0o10000000 : constants.O_RDONLY | constants.O_NONBLOCK;

/** For opening what is looked at and not read; a last link is not followed. */
export const lookFlags = lookOnly | constants.O_NOFOLLOW;

/**
 * Where the kernel shows what is open: a path through there names the thing itself, not what has its name by now,
 * and as a link it leads to its real path. Undefined: the system has no such place.
 */
export const descriptorPath = (fd: number): string | undefined =>
  hasDescriptors ? `${descriptors}/${fd}` : undefined;
