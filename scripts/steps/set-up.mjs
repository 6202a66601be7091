import { build, isBuilt } from "./build.mjs";
import { install, isInstalled } from "./install.mjs";
import { guarded } from "./tell.mjs";

/** Installs and builds, each only when needed. Ends the process with 1 and one sentence when something is in the way. */
export const setUp = () =>
  guarded(async () => {
    if (!isInstalled()) await install();
    if (!isBuilt()) await build();
  });
