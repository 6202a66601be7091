/** Runs git so that nothing which a repository's configuration names is started, and nothing is written. */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import type { ReadOnlyGit } from "../permissions/read-only-git.ts";
import { isInside } from "../permissions/path-access.ts";
import { ClientCommandError } from "./port.ts";
import { findProgram, notStarted } from "./program-path.ts";
import { realPath } from "../util/real-path.ts";
import { isProtected } from "../permissions/protected-paths.ts";

export interface GuardedGit {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Settings that a call is given over those of the repository. An empty program is none. */
const settings: readonly (readonly [string, string])[] = [
  ["safe.bareRepository", "explicit"],
  ["core.fsmonitor", "false"],
  ["core.hooksPath", "/dev/null"],
  ["core.pager", "cat"],
  ["diff.external", ""],
  ["diff.submodule", "short"],
  ["diff.ignoreSubmodules", "dirty"],
  ["status.submoduleSummary", "false"],
  ["log.showSignature", "false"],
  ["format.pretty", "medium"],
  ["gpg.program", "/bin/false"],
  ["gpg.openpgp.program", "/bin/false"],
  ["gpg.x509.program", "/bin/false"],
  ["gpg.ssh.program", "/bin/false"],
  ["core.sshCommand", "/bin/false"],
  ["credential.helper", ""],
  ["protocol.allow", "never"],
];

const variables: Readonly<Record<string, string>> = {
  GIT_OPTIONAL_LOCKS: "0",
  GIT_PAGER: "cat",
  GIT_TERMINAL_PROMPT: "0",
  GIT_NO_LAZY_FETCH: "1",
};

const filterSettings = String.raw`^filter\..*\.(clean|smudge|process|required)$`;
const lookTimeoutMs = 5_000;
const maxNamesBytes = 1024 * 1024;

/** Rejects with `ClientCommandError` when the command would show what is protected, or there is no git. */
export async function guardGit(
  git: ReadOnlyGit,
  cwd: string,
  inherited: Readonly<Record<string, string>>,
  protectedPaths: readonly string[],
): Promise<GuardedGit> {
  refuseProtected(git, cwd, protectedPaths);
  const program = findProgram("git", inherited["PATH"] ?? "");
  if (program === undefined) {
    throw new ClientCommandError("notStarted", "No such file or directory (os error 2)");
  }
  const plain = withoutGit(inherited);
  const filters = await filterNames(program, cwd, guarded(plain, settings));
  const off = filters.map((name): readonly [string, string] => [
    name,
    name.toLowerCase().endsWith(".required") ? "false" : "",
  ]);
  return {
    program,
    args: ["--no-pager", ...git.args],
    environment: guarded(plain, [...settings, ...off]),
  };
}

function refuseProtected(
  { reads, readsFolders }: ReadOnlyGit,
  cwd: string,
  protectedPaths: readonly string[],
): void {
  const folder = realPath(cwd);
  const shown = [folder, ...reads.map((path) => realPath(resolve(folder, path)))];
  const holdsProtected = (path: string): boolean =>
    protectedPaths.some((kept) => isInside(path, realPath(kept)));
  const [, ...compared] = shown;
  if (
    shown.some((path) => isProtected(path, protectedPaths)) ||
    (readsFolders && compared.some(holdsProtected))
  ) {
    throw new ClientCommandError(
      "refused",
      "the command would show Farhelm's keys or logins, which nobody reads over the protocol; name other paths",
    );
  }
}

const withoutGit = (
  environment: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !/^GIT_/i.test(name)));

function guarded(
  environment: Readonly<Record<string, string>>,
  config: readonly (readonly [string, string])[],
): Record<string, string> {
  const pairs = config.flatMap(([name, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, name],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return {
    ...environment,
    ...variables,
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(pairs),
  };
}

/**
 * For git of whose command line is known that it only reads. No folder that somebody brought along counts as a repository,
 * and nothing that a repository names is started but for its diff programs and filters, which nobody but the user writes down.
 */
export const quietGit = (
  environment: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> =>
  guarded(environment, [...ownSettings(environment), ...quiet]);

/** Those that the user's environment gives git; of two of a name the later one counts. */
const ownSettings = (
  environment: Readonly<Record<string, string>>,
): readonly (readonly [string, string])[] =>
  Object.entries(environment).flatMap(([variable, name]) => {
    const index = /^GIT_CONFIG_KEY_(\d+)$/.exec(variable)?.[1] ?? "";
    const value = environment[`GIT_CONFIG_VALUE_${index}`];
    const counts = Number(index) < Number(environment["GIT_CONFIG_COUNT"] ?? 0);
    return index !== "" && counts && value !== undefined ? [[name, value] as const] : [];
  });

// an empty one would be run, without `--no-ext-diff`
const quiet = settings.filter(([name]) => name !== "diff.external");

/** Filters are programs that git runs to compare files; each has a name of its own, so they are looked up. */
function filterNames(
  program: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const args = ["config", "--null", "--name-only", "--get-regexp", filterSettings];
  return new Promise((done, fail) => {
    execFile(
      program,
      args,
      { cwd, env, timeout: lookTimeoutMs, maxBuffer: maxNamesBytes },
      (error, stdout) => {
        // 1: there are none; 128: no repository, which the command itself will say
        if (!error || error.code === 1 || error.code === 128) {
          done(stdout.split("\0").filter((name) => name !== ""));
          return;
        }
        if (typeof error.code === "string") {
          fail(notStarted(error));
          return;
        }
        fail(
          new ClientCommandError(
            "refused",
            `the repository's filters cannot be read (${error.code ?? error.message}); repair its configuration, or run git as an admin`,
          ),
        );
      },
    );
  });
}
