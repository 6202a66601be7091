/** Says what a command will do, for people who approve or watch it. A guess is never made: in doubt it is `unknown`. */
import { basename, resolve } from "node:path";
import type { CommandAction } from "../protocol/item.ts";
import { quoteArguments } from "./shell-quote.ts";
import { plainCommands } from "./shell-words.ts";

type Words = readonly string[];

/** The actions of a shell command that starts in `cwd`. */
export function commandActions(command: string, cwd: string): CommandAction[] {
  const unknown: CommandAction[] = [{ type: "unknown", command }];
  const commands = plainCommands(command);
  if (!commands) return unknown;
  const actions: CommandAction[] = [];
  let folder = cwd;
  for (const { words, after } of commands) {
    const [name = "", target] = words;
    if (name === "cd" && words.length === 2 && target !== undefined && !target.startsWith("-")) {
      folder = resolve(folder, target);
      continue;
    }
    if (commands.length > 1 && isSilent(words, after === "|")) continue;
    const action = actionOf(words, folder);
    if (!action) return unknown;
    actions.push(action);
  }
  return actions.length > 0 ? actions : unknown;
}

/** Commands that say nothing about what the list is for. */
function isSilent(words: Words, piped: boolean): boolean {
  const [name = "", ...rest] = words;
  if (name === "echo" || name === "true") return true;
  if (!piped) return false;
  if (name === "head" || name === "tail")
    return rest.every((word, at) => at < 2 && /^[-+\d]/.test(word));
  return (name === "wc" || name === "sort" || name === "uniq") && rest.every(isOption);
}

type Reading = (command: string, operands: Words, cwd: string) => CommandAction | undefined;

function readAfter(valued: Words): Reading {
  return (command, words, cwd) => read(command, only(withoutOptions(words, valued)), cwd);
}

const readings: ReadonlyMap<string, Reading> = new Map<string, Reading>([
  ["cat", readAfter([])],
  ["nl", readAfter([])],
  ["head", readAfter(["-n", "-c"])],
  ["tail", readAfter(["-n", "-c"])],
  ["sed", sed],
  ["ls", (command, words) => list(command, withoutOptions(words))],
  ["tree", (command, words) => list(command, withoutOptions(words))],
  ["rg", ripgrep],
  ["grep", (command, words) => search(command, withoutOptions(words, searchOptions))],
  ["find", find],
  ["git", git],
]);

function actionOf([name = "", ...rest]: Words, cwd: string): CommandAction | undefined {
  return readings.get(name)?.(quoteArguments([name, ...rest]), rest, cwd);
}

/** Options of rg and grep whose value is the next word. */
const searchOptions: Words = ["-A", "-B", "-C", "-m", "-g", "-t", "--glob", "--type"];

function isOption(word: string): boolean {
  return word.startsWith("-") && word !== "-";
}

/** Options that carry patterns or files, or run a program. */
const dangerous = /^(?:-e|-f|-O.*|--pre(?:=.*)?|--open-files.*)$/;

/** The operands; undefined where an option could mean anything. */
function withoutOptions(words: Words, valued: Words = []): Words | undefined {
  const operands: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") return [...operands, ...words.slice(at + 1)];
    if (dangerous.test(word)) return undefined;
    if (valued.includes(word)) at++;
    else if (!isOption(word)) operands.push(word);
  }
  return operands;
}

function only(words: Words | undefined): string | undefined {
  return words?.length === 1 ? words[0] : undefined;
}

function read(command: string, file: string | undefined, cwd: string): CommandAction | undefined {
  if (file === undefined || file === "-") return undefined;
  const path = resolve(cwd, file);
  return { type: "read", command, name: basename(path), path };
}

function list(command: string, operands: Words | undefined): CommandAction | undefined {
  if (!operands || operands.length > 1) return undefined;
  return { type: "listFiles", command, path: operands[0] ?? null };
}

function search(command: string, operands: Words | undefined): CommandAction | undefined {
  const [query, path = null] = operands ?? [];
  if (query === undefined || (operands?.length ?? 0) > 2) return undefined;
  return { type: "search", command, query, path };
}

/** Printing a range of lines; whatever else sed does could write. */
function sed(command: string, words: Words, cwd: string): CommandAction | undefined {
  const [quiet, script = "", ...files] = words;
  if (quiet !== "-n" || !/^\d+(,\d+)?p$/.test(script)) return undefined;
  return read(command, only(files), cwd);
}

function ripgrep(command: string, words: Words): CommandAction | undefined {
  return words.includes("--files")
    ? list(command, withoutOptions(words, ["-g", "--glob"]))
    : search(command, withoutOptions(words, searchOptions));
}

/** Only names are looked for; other tests of find can run programs or delete. */
function find(command: string, words: Words): CommandAction | undefined {
  const [path, test, query] = words;
  if (path === undefined || isOption(path)) return undefined;
  if (words.length === 1) return { type: "listFiles", command, path };
  const named = words.length === 3 && (test === "-name" || test === "-iname");
  return named && query !== undefined ? { type: "search", command, query, path } : undefined;
}

function git(command: string, words: Words): CommandAction | undefined {
  const [verb, ...rest] = words;
  if (verb === "ls-files") return list(command, withoutOptions(rest));
  return verb === "grep" ? search(command, withoutOptions(rest, searchOptions)) : undefined;
}
