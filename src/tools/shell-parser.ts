/** Reads shell scripts with a grammar of bash. It is loaded when the first script is read, and never at a start. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Node, Parser } from "web-tree-sitter";
import { commandsIn, plainCommands } from "./script-commands.ts";
import type { Words } from "./script-commands.ts";

export interface ParsedScript {
  /** Those anywhere in it, with what is known of their words. */
  readonly commands: readonly Words[];
  /** It is nothing but these, one after the other, and their words are what they seem. */
  readonly isPlain: boolean;
}

/** Undefined: too long, not read in time, or no script. Never rejects. */
export type ParseScript = (script: string) => Promise<ParsedScript | undefined>;

/** Longer ones are not read: reading goes on beside nothing else. */
const maxChars = 32 * 1024;
const maxParseMs = 200;

/** One for the process: what a parser holds is not given back. `warn` is told once if there can be none. */
export function createShellParser(warn: (error: unknown) => void): ParseScript {
  let loading: Promise<Parser | undefined> | undefined;
  return async (script) => {
    if (script.length > maxChars) return undefined;
    loading ??= load().catch((error: unknown) => {
      warn(error);
      return undefined;
    });
    const parser = await loading;
    return parser && parse(parser, script);
  };
}

async function load(): Promise<Parser> {
  const { Parser, Language } = await import("web-tree-sitter");
  await Parser.init();
  const parser = new Parser();
  parser.setLanguage(await Language.load(grammarFile()));
  // the first script takes a hundred times as long as the next ones
  parser.parse("a 'b' | c; d")?.delete();
  return parser;
}

/** The build lays it beside the program; in a clone it is where npm put it. */
function grammarFile(): string {
  const beside = join(dirname(fileURLToPath(import.meta.url)), "tree-sitter-bash.wasm");
  if (existsSync(beside)) return beside;
  return createRequire(import.meta.url).resolve("tree-sitter-bash/tree-sitter-bash.wasm");
}

function parse(parser: Parser, script: string): ParsedScript | undefined {
  const endMs = performance.now() + maxParseMs;
  const isLate = (): boolean => performance.now() > endMs;
  const tree = parser.parse(script, null, { progressCallback: isLate });
  if (!tree) {
    parser.reset();
    return undefined;
  }
  try {
    return read(tree.rootNode, script, isLate);
  } finally {
    tree.delete();
  }
}

function read(root: Node, script: string, isLate: () => boolean): ParsedScript | undefined {
  const commands = root.hasError ? undefined : plainCommands(root, script);
  if (commands) return { commands, isPlain: true };
  const known = commandsIn(root, isLate);
  return known && { commands: known, isPlain: false };
}
