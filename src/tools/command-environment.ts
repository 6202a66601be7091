/** The environment of commands: what the policy lets them see of the host's own, without colour, pagers and prompts. */
import type { ShellEnvironmentPolicy } from "../permissions/shell-environment.ts";
import { inheritedVariables } from "../permissions/shell-environment.ts";
import type { ThreadId } from "../protocol/ids.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What makes programs print plain text and never wait for a key. */
const plain: Readonly<Record<string, string>> = {
  TERM: "dumb",
  COLORTERM: "",
  NO_COLOR: "1",
  PAGER: "cat",
  GIT_PAGER: "cat",
  GH_PAGER: "cat",
  CODEX_CI: "1",
};

/** What a command inherits, in UTF-8. */
export function inheritedEnvironment(
  host: Environment,
  policy: ShellEnvironmentPolicy,
): Record<string, string> {
  const variables = inheritedVariables(host, policy);
  const { LC_ALL: all, LC_CTYPE: type, LANG: language } = variables;
  const isUtf8 = /utf-?8/i.test(all || type || language || "");
  return isUtf8 ? variables : { ...variables, LANG: "C.UTF-8", LC_ALL: "C.UTF-8" };
}

/** `CODEX_THREAD_ID` lets a script know in whose name it runs. */
export const commandEnvironment = (
  host: Environment,
  { threadId, environmentPolicy }: CommandOwner,
): Record<string, string> => ({
  ...inheritedEnvironment(host, environmentPolicy),
  ...plain,
  CODEX_THREAD_ID: threadId,
});

export interface CommandOwner {
  readonly threadId: ThreadId;
  readonly environmentPolicy: ShellEnvironmentPolicy;
}
