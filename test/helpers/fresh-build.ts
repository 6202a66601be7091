import { execFile } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { root } from "../architecture/tree.ts";

const steps = pathToFileURL(join(root, "scripts/steps/build.mjs")).href;
const program = `const { build, isBuilt } = await import(${JSON.stringify(steps)}); if (!isBuilt()) await build();`;

let fresh: Promise<unknown> | undefined;

/** Makes dist/ anew unless it was made from exactly the sources that are here. */
export async function freshBuild(): Promise<void> {
  fresh ??= promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
  await fresh;
}
