/** Commands kept to a permission profile by the sandbox of this machine. */
import { ProfileError } from "../permissions/named-profile.ts";
import { pathRules } from "../permissions/path-access.ts";
import type { SandboxState } from "../permissions/sandbox-state.ts";
import type { PermissionProfile } from "../protocol/permission-profile.ts";
import { groundAt } from "../util/ground.ts";
import type { Environment } from "./command-environment.ts";
import { CommandProxy, type CommandProxyOptions } from "./network-proxy/command-proxy.ts";
import { type Confined, type Sandbox, SandboxError, type SandboxRequest } from "./sandbox/port.ts";

/** What a command would be without a sandbox. */
export interface Unconfined {
  /** Program and arguments. */
  readonly command: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface ConfinementOptions {
  readonly sandbox: Sandbox;
  /** Says where this machine's temporary folder is. */
  readonly environment: Environment;
  /** Each command has an empty `/tmp` of its own, which is gone with it. */
  readonly privateTmp?: boolean;
}

export class Confinement {
  readonly #sandbox: Sandbox;
  readonly #environment: Environment;
  readonly #privateTmp: boolean;

  constructor({ sandbox, environment, privateTmp }: ConfinementOptions) {
    this.#sandbox = sandbox;
    this.#environment = environment;
    this.#privateTmp = privateTmp ?? false;
  }

  state(): Promise<SandboxState> {
    return this.#sandbox.state();
  }

  /**
   * `folder` is what the profile counts from, absolute. `proxied`: what lies behind the network that the profile gives; undefined: all of it.
   * Rejects with `SandboxError`: the command must not run then.
   */
  async confine(
    { command, cwd, environment }: Unconfined,
    profile: PermissionProfile,
    folder: string,
    proxied: () => CommandProxyOptions | undefined,
  ): Promise<Confined> {
    const { places } = groundAt(folder, this.#environment);
    const network = networkOf(profile, proxied);
    return this.#sandbox.confine({
      command,
      cwd,
      // the sandbox follows links itself, when it mounts
      rules: pathRules(profile, { places, realPath: (path) => path }),
      network,
      privateTmp: this.#privateTmp,
      environment: network ? environment : { ...environment, ...withoutNetwork },
    });
  }
}

function networkOf(
  profile: PermissionProfile,
  proxied: () => CommandProxyOptions | undefined,
): SandboxRequest["network"] {
  if (profile.type === "managed" && !profile.network.enabled) return false;
  try {
    const behind = proxied();
    return behind ? new CommandProxy(behind) : true;
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    throw new SandboxError(`${error.message}: mend it in config.toml, or turn the network off`, {
      cause: error,
    });
  }
}

/** Scripts look for it, so as not to wait for what they cannot reach. */
const withoutNetwork = { CODEX_SANDBOX_NETWORK_DISABLED: "1" };
