/** The environment of commands: the host's own, without its secrets, and without colour, pagers and prompts. */
import type { ThreadId } from "../protocol/ids.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const secretName = /KEY|SECRET|TOKEN/i;
/** Names with a meaning to this program or its peers; only the home folder is a command's business. */
const ownName = /^(?:FARHELM|CODEX)_(?!HOME$)|^FARHELM_HOME$/i;

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

/** What every command inherits: the host's environment without its secrets, in UTF-8. */
export function inheritedEnvironment(host: Environment): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(host)) {
    if (value !== undefined && !secretName.test(name) && !ownName.test(name))
      environment[name] = value;
  }
  const isUtf8 = /utf-?8/i.test(host["LC_ALL"] || host["LC_CTYPE"] || host["LANG"] || "");
  return isUtf8 ? environment : { ...environment, LANG: "C.UTF-8", LC_ALL: "C.UTF-8" };
}

/** `CODEX_THREAD_ID` lets a script know in whose name it runs. */
export const commandEnvironment = (
  host: Environment,
  threadId: ThreadId,
): Record<string, string> => ({
  ...inheritedEnvironment(host),
  ...plain,
  CODEX_THREAD_ID: threadId,
});
