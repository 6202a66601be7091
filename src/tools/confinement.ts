/** Commands kept to a permission profile by the sandbox of this machine. */
import { pathRules } from "../permissions/path-access.ts";
import type { SandboxState } from "../permissions/sandbox-state.ts";
import type { PermissionProfile } from "../protocol/permission-profile.ts";
import { groundAt } from "../util/ground.ts";
import type { Environment } from "./command-environment.ts";
import type { Confined, Sandbox } from "./sandbox/port.ts";

/** What a command would be without a sandbox. */
export interface Unconfined {
  /** Program and arguments. */
  readonly command: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
}

export class Confinement {
  readonly #sandbox: Sandbox;
  readonly #environment: Environment;

  /** `environment` says where this machine's temporary folder is. */
  constructor(sandbox: Sandbox, environment: Environment) {
    this.#sandbox = sandbox;
    this.#environment = environment;
  }

  state(): Promise<SandboxState> {
    return this.#sandbox.state();
  }

  /** `folder` is what the profile counts from, absolute. Rejects with `SandboxError`: the command must not run then. */
  confine(
    { command, cwd, environment }: Unconfined,
    profile: PermissionProfile,
    folder: string,
  ): Promise<Confined> {
    const { places } = groundAt(folder, this.#environment);
    const network = profile.type !== "managed" || profile.network.enabled;
    return this.#sandbox.confine({
      command,
      cwd,
      // the sandbox follows links itself, when it mounts
      rules: pathRules(profile, { places, realPath: (path) => path }),
      network,
      environment: network ? environment : { ...environment, ...withoutNetwork },
    });
  }
}

/** Scripts look for it, so as not to wait for what they cannot reach. */
const withoutNetwork = { CODEX_SANDBOX_NETWORK_DISABLED: "1" };
