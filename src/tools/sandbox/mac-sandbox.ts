/** The sandbox of macOS: sandbox-exec, which is part of the system. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { kindAt, realRules, followed } from "./named-rules.ts";
import type { SandboxState } from "../../permissions/sandbox-state.ts";
import { type Confined, type Sandbox, SandboxError, type SandboxRequest } from "./port.ts";
import { seatbeltProfile } from "./seatbelt.ts";
import { splitEnvironment } from "./outer-environment.ts";

const program = "/usr/bin/sandbox-exec";

export class MacSandbox implements Sandbox {
  readonly #hidden: readonly string[];

  constructor(hidden: readonly string[]) {
    this.#hidden = hidden;
  }

  async state(): Promise<SandboxState> {
    return existsSync(program)
      ? { works: true, how: program }
      : { works: false, reason: `${program} is missing`, fix: "mend the system's installation" };
  }

  async confine({
    command,
    rules,
    network,
    environment,
    privateTmp,
  }: SandboxRequest): Promise<Confined> {
    if (privateTmp) {
      throw new SandboxError("this machine cannot give a command a /tmp of its own: leave it out");
    }
    if (typeof network !== "boolean") {
      network.close();
      throw new SandboxError(
        "the network proxy needs Linux: turn the network off for this command, or let it have all of it",
      );
    }
    const named = realRules(rules);
    const all = [...named.access].map(([path, access]) => ({ path, access }));
    const text = seatbeltProfile({
      rules: all,
      deniedGlobs: rules.deniedGlobs,
      hidden: this.#hidden.map((path) => followed(path).real),
      repositories: all
        .filter(({ access }) => access === "write")
        .map(({ path }) => join(path, ".git"))
        .filter((path) => !named.access.has(path) && kindAt(path) !== undefined),
      network,
    });
    const { outer, inner } = splitEnvironment(environment);
    const set = Object.entries(inner).map(([name, value]) => `${name}=${value}`);
    return {
      command: [program, "-p", text, "/usr/bin/env", ...set, "--", ...command],
      environment: outer,
      release: () => undefined,
    };
  }
}
