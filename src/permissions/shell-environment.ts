/** Which of the host's variables the agent's commands see. */
import { wildcardMatches } from "../util/wildcard.ts";

export interface ShellEnvironmentPolicy {
  /** `core`: only what a shell cannot do without. */
  readonly inherit: "all" | "core" | "none";
  /** True: also what looks like a secret. */
  readonly ignoreDefaultExcludes: boolean;
  /** Patterns of names: `*` any characters, `?` one, whatever the case. */
  readonly exclude: readonly string[];
  /** Laid over what is inherited. */
  readonly set: Readonly<Record<string, string>>;
  /** Patterns; unless there is none, nothing else is left, of what is set neither. */
  readonly includeOnly: readonly string[];
  /** Names of variables in which the configuration expects keys: secrets, whatever they are called. */
  readonly secretNames: readonly string[];
}

/** Where nobody configured anything. */
export const standardEnvironment: ShellEnvironmentPolicy = {
  inherit: "all",
  ignoreDefaultExcludes: false,
  exclude: [],
  set: {},
  includeOnly: [],
  secretNames: [],
};

/**
 * Addresses of databases usually hold a password. Git's settings may hold one, too, and git refuses to work where it is
 * given some of them and not their keys.
 */
const secretName =
  /KEY|SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|_PWD$|_PAT$|DATABASE_URL|_DSN$|^GIT_CONFIG_(?:COUNT$|VALUE_)/i;

/** Names with a meaning to this program or its peers; only the home folder is a command's business. */
const ownName = /^(?:FARHELM|CODEX)_(?!HOME$)|^FARHELM_HOME$/i;

const coreNames: ReadonlySet<string> = new Set(
  "PATH SHELL TMPDIR TEMP TMP HOME LANG LC_ALL LC_CTYPE LOGNAME USER".split(" "),
);

/** In this order: what is inherited, without secrets, without what is excluded, with what is set, and of that what is included. */
export function inheritedVariables(
  host: Readonly<Record<string, string | undefined>>,
  policy: ShellEnvironmentPolicy,
): Record<string, string> {
  const variables = new Map<string, string>();
  for (const [name, value] of Object.entries(host)) {
    if (value !== undefined && isInherited(name, policy)) variables.set(name, value);
  }
  for (const [name, value] of Object.entries(policy.set)) variables.set(name, value);
  const left = [...variables].filter(
    ([name]) => policy.includeOnly.length === 0 || matchesAny(policy.includeOnly, name),
  );
  return Object.fromEntries(left);
}

function isInherited(name: string, policy: ShellEnvironmentPolicy): boolean {
  if (policy.inherit === "none" || ownName.test(name)) return false;
  if (policy.inherit === "core" && !coreNames.has(name.toUpperCase())) return false;
  if (!policy.ignoreDefaultExcludes && isSecret(name, policy.secretNames)) return false;
  return !matchesAny(policy.exclude, name);
}

const isSecret = (name: string, secretNames: readonly string[]): boolean =>
  secretNames.includes(name) || secretName.test(name);

function matchesAny(patterns: readonly string[], name: string): boolean {
  const folded = name.toUpperCase();
  return patterns.some((pattern) => wildcardMatches(pattern.toUpperCase(), folded));
}
