/** What is known of a command by its words: that it only reads, that it deletes by force, or nothing. */
import { onlyReadsGit } from "./read-only-git.ts";

/** A program and its arguments. */
type Words = readonly string[];

export type CommandRisk = "readOnly" | "unknown" | "forced";

/** What a script runs, with what it gives to other shells. */
export interface ReadCommands {
  /** Those that stand anywhere in it, whether they run or not, with what is known of their words. */
  readonly commands: readonly Words[];
  /** It is nothing but these, one after the other, and their words are what they seem. */
  readonly isPlain: boolean;
}

/** Undefined: nobody could read the script. */
export function riskOf(script: ReadCommands | undefined): CommandRisk {
  if (!script) return "unknown";
  const { commands, isPlain } = script;
  if (commands.some(isForced)) return "forced";
  return isPlain && commands.length > 0 && commands.every(onlyReads) ? "readOnly" : "unknown";
}

/** Whether it writes nothing and starts nothing, whatever the files that it is given. */
export function onlyReads([program = "", ...words]: Words): boolean {
  const name = nameOf(program);
  if (name === undefined) return false;
  return harmless.has(name) || (checked.get(name)?.(words) ?? false);
}

/** By name alone, or from where the system keeps its programs: elsewhere anything may have the name. */
const nameOf = (program: string): string | undefined =>
  /^(?:\/(?:usr\/)?bin\/)?([a-z\d]+)$/.exec(program)?.[1];

/** None of their options writes a file or starts a program. */
const harmless: ReadonlySet<string> = new Set(
  (
    "cat cd cut echo expr false grep head id ls nl numfmt paste pwd rev seq stat tac tail tr " +
    "true uname wc which whoami"
  ).split(" "),
);

/** No option, and nothing that zsh can be told to take for a pattern. */
const isOneFile = (word: string): boolean => /^[^-~^][^~^]*$/.test(word);

/** `sed -n 1,5p FILE`; whatever else sed does could write or run something. */
function onlyPrintsLines([quiet, lines = "", ...files]: Words): boolean {
  const isRange = quiet === "-n" && /^\d+(?:,\d+)?p$/.test(lines);
  return isRange && files.length <= 1 && files.every(isOneFile);
}

/** The second file of uniq is written; options behind the first one are files for some. */
function readsOneFile(words: Words): boolean {
  const options = words.findIndex((word) => !/^-(?:-[a-z]|[a-zD])/.test(word));
  const files = options === -1 ? [] : words.slice(options);
  return files.length <= 1 && files.every(isOneFile);
}

const checked: ReadonlyMap<string, (words: Words) => boolean> = new Map([
  // it writes to a file
  ["base64", (words) => !words.some((word) => /^-(?:[^-]*o|-o)/.test(word))],
  ["find", (words) => !words.some((word) => /^-(?:exec|ok|delete|fls|fprint)/.test(word))],
  ["git", onlyReadsGit],
  // it starts programs that read other kinds of files, or say the host's name
  ["rg", (words) => !words.some((word) => /^-(?:[^-]*z|-pre|-hostname|-search-z)/.test(word))],
  ["sed", onlyPrintsLines],
  ["uniq", readsOneFile],
]);

/** Programs that run what follows them. */
const wrappers: ReadonlySet<string> = new Set([
  "builtin",
  "command",
  "env",
  "exec",
  "nohup",
  "sudo",
  "time",
]);

/** `rm` that asks nothing and misses nothing, however it is called. */
function isForced([program = "", ...words]: Words): boolean {
  const [next = ""] = words;
  const name = program.slice(program.lastIndexOf("/") + 1);
  if (wrappers.has(name)) return next !== "" && isForced(words);
  return name === "rm" && words.some(isForce);
}

const isForce = (word: string): boolean => word === "--force" || /^-[^-]*f/.test(word);
