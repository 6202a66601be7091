/** The commands of a script, and of the scripts that it gives to other shells. */
import { basename } from "node:path";
import type { ReadCommands } from "../permissions/command-risk.ts";
import type { Words } from "./script-commands.ts";
import type { ParseScript } from "./shell-parser.ts";

/** Shells that read what is plain as bash does. */
const alike: ReadonlySet<string> = new Set(["bash", "sh", "zsh"]);
/** So deep, and so many in all, scripts within scripts are read. */
const maxDepth = 3;
const maxScripts = 32;
/** A script that is plain may hold others, and they none. */
const maxPlainDepth = 1;

/**
 * `command`: a shell, its flag and a script. A shell that is neither the system's nor `ownShell`, the user's, may do
 * something else with it. Undefined: it cannot be read.
 */
export async function readCommand(
  parse: ParseScript,
  [shell = "", , script = ""]: Words,
  ownShell: string,
): Promise<ReadCommands | undefined> {
  const read = await new Reading(parse).read(script, 0);
  const isKnown = shell === ownShell || systemShell.test(shell);
  return read && { ...read, isPlain: read.isPlain && isKnown && alike.has(basename(shell)) };
}

const systemShell = /^\/(?:usr\/)?bin\/[a-z]+$/;

class Reading {
  readonly #parse: ParseScript;
  #scripts = 0;

  constructor(parse: ParseScript) {
    this.#parse = parse;
  }

  async read(script: string, depth: number): Promise<ReadCommands | undefined> {
    if (depth > maxDepth || ++this.#scripts > maxScripts) return undefined;
    const parsed = await this.#parse(script);
    if (!parsed) return undefined;
    const commands: Words[] = [];
    let isPlain = parsed.isPlain && depth <= maxPlainDepth;
    for (const words of parsed.commands) {
      const inner = nestedScript(words);
      const read = inner === undefined ? undefined : await this.read(inner, depth + 1);
      commands.push(...(read?.commands ?? [words]));
      if (inner !== undefined) isPlain &&= read?.isPlain === true && isPlainShell(words);
    }
    return { commands, isPlain };
  }
}

function nestedScript([program = "", flag = "", script]: Words): string | undefined {
  return alike.has(basename(program)) && /^-[a-z]*c$/.test(flag) ? script : undefined;
}

/** Found by its name, with no argument of the script's. */
const isPlainShell = ([program = "", flag, ...more]: Words): boolean =>
  alike.has(program) && (flag === "-c" || flag === "-lc") && more.length === 1;
