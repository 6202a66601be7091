import { resolve } from "node:path";
import type { Setting } from "./program.ts";

export async function schema({ outside, startedIn }: Setting, out: string): Promise<void> {
  const folder = resolve(startedIn, out);
  const files = await outside.writeSchema(folder);
  outside.stdout.write(`Wrote ${files.length} files to ${folder}\n`);
}
