/** Which git commands only read. Clients run them by themselves, to show what changed. */
import { type GitOptions, readOnlyCommands, shellCommands } from "./git-options.ts";

export interface ReadOnlyGit {
  /** What follows the program: the subcommand, options that keep it harmless, and the caller's own words. */
  readonly args: readonly string[];
  /** Paths whose content may be printed although no repository holds it. */
  readonly reads: readonly string[];
  /** Whether whole folders of `reads` are compared. */
  readonly readsFolders: boolean;
}

/** Settings for one call (`-c`) that change nothing, because every guarded call has them. */
const impliedSettings: readonly RegExp[] = [
  /^safe\.bareRepository=explicit$/i,
  /^core\.fsmonitor=false$/i,
  /^core\.hooksPath=\/dev\/null$/i,
  /^filter\..+\.(?:clean|smudge|process)=$/is,
  /^filter\..+\.required=false$/is,
];
const impliedFlags: ReadonlySet<string> = new Set(["--no-pager", "--no-optional-locks"]);

/** Undefined: not known to be harmless. Nothing here touches the disk. */
export function readOnlyGit(command: readonly string[]): ReadOnlyGit | undefined {
  const [program, ...words] = command;
  if (program !== "git" || command.some((word) => word.includes("\0"))) return undefined;
  const start = subcommandIndex(words);
  const name = start === undefined ? undefined : words[start];
  const options = name === undefined ? undefined : readOnlyCommands.get(name);
  if (start === undefined || name === undefined || !options) return undefined;
  const rest = words.slice(start + 1);
  const parsed = parseWords(rest, options);
  if (!parsed || (name === "config" && !readsConfig(parsed))) return undefined;
  const isDiff = name === "diff";
  return {
    args: [name, ...options.added, ...rest],
    reads: isDiff ? parsed.positional : [],
    readsFolders: isDiff && (parsed.flags.includes("--no-index") || parsed.positional.length === 2),
  };
}

/** Undefined: an option before the subcommand that would change what is read or run. */
function subcommandIndex(words: readonly string[]): number | undefined {
  let index = 0;
  for (;;) {
    const word = words[index];
    if (word === undefined) return undefined;
    if (!word.startsWith("-")) return index;
    if (impliedFlags.has(word)) {
      index += 1;
      continue;
    }
    const setting = word === "-c" ? words[index + 1] : undefined;
    if (setting === undefined || !impliedSettings.some((known) => known.test(setting))) {
      return undefined;
    }
    index += 2;
  }
}

interface Words {
  readonly flags: readonly string[];
  readonly positional: readonly string[];
}

function parseWords(words: readonly string[], options: GitOptions): Words | undefined {
  const end = words.indexOf("--");
  const before = end === -1 ? words : words.slice(0, end);
  const after = end === -1 ? [] : words.slice(end + 1);
  const flags = before.filter((word) => word.startsWith("-"));
  const harmless = flags.every(
    (flag) => options.words.has(flag) || options.patterns.some((known) => known.test(flag)),
  );
  if (!harmless) return undefined;
  return { flags, positional: [...before.filter((word) => !word.startsWith("-")), ...after] };
}

/** Without a verb, or with more than a name and a pattern, `git config` writes. */
const readsConfig = ({ flags, positional }: Words): boolean =>
  flags.filter((flag) => flag.startsWith("--get")).length === 1 &&
  positional.length >= 1 &&
  positional.length <= 2;

/** Whether git, with these arguments and with settings that turn off what a repository may name, only reads. */
export function onlyReadsGit(words: readonly string[]): boolean {
  const start = words.findIndex((word) => !impliedFlags.has(word));
  const options = shellCommands.get(words[start] ?? "");
  const parsed = options && parseWords(words.slice(start + 1), options);
  return parsed !== undefined && (words[start] !== "branch" || parsed.positional.length === 0);
}
