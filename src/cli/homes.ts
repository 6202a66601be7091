import { homedir, userInfo } from "node:os";
import { join, resolve } from "node:path";

export interface Homes {
  /** What Codex uses too: config.toml, auth.json, sessions. */
  readonly codexHome: string;
  /** Farhelm's own state. */
  readonly farhelmHome: string;
}

/** The two home folders that the environment chooses. Absolute. */
export function homes(env: NodeJS.ProcessEnv): Homes {
  return {
    codexHome: resolve(env["CODEX_HOME"] || join(userHome(env), ".codex")),
    farhelmHome: resolve(env["FARHELM_HOME"] || join(userHome(env), ".farhelm")),
  };
}

/** HOME, else what the system's user list says: HOME may be empty in a container. */
export const userHome = (env: NodeJS.ProcessEnv): string =>
  env["HOME"] || homedir() || userInfo().homedir;

export const controlSocketPath = ({ farhelmHome }: Homes): string =>
  join(farhelmHome, "control.sock");
