/** Files that hold keys: 0600, in folders of 0700, never half written. */
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { randomId } from "./random.ts";

/** Reads a key file and takes it away from group and others. Undefined when there is none; other errors are thrown. */
export function readPrivateFile(path: string): string | undefined {
  try {
    chmodSync(path, 0o600);
    return readFileSync(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Makes the file, whole and only if there is none. Returns what the file holds then: `text`, or what another process put first. */
export function createPrivateFile(path: string, text: string): string {
  const part = writePart(path, text);
  try {
    linkSync(part, path);
    return text;
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
    return readPrivateFile(path) ?? text;
  } finally {
    rmSync(part, { force: true });
  }
}

/** Puts `text` in the place of whatever the file held. */
export function replacePrivateFile(path: string, text: string): void {
  renameSync(writePart(path, text), path);
}

/** Takes away what a killed program left half written in `folder`. Only for who alone writes there. */
export function sweepParts(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder))
    if (partName.test(name)) rmSync(join(folder, name), { force: true });
}

/** As `writePart` names them. */
const partName = /\.part_[\w-]{22}$/;

function writePart(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const part = `${path}.${randomId("part")}`;
  writeFileSync(part, text, { mode: 0o600, flag: "wx", flush: true });
  return part;
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;
