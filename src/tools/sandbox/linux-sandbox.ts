/** The sandbox of Linux: bubblewrap, in namespaces of its own, behind a filter of system calls. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isInside, type PathRules } from "../../permissions/path-access.ts";
import { launchCommand } from "./bubblewrap.ts";
import { deniedFiles, otherNames } from "./denied-files.ts";
import { planMounts, type MountPlan } from "./mount-plan.ts";
import { followed } from "./named-rules.ts";
import { confineBehind } from "./own-network.ts";
import { splitEnvironment } from "./outer-environment.ts";
import { Placeholders } from "./placeholders.ts";
import { probeFault } from "./probe.ts";
import type { SandboxState } from "../../permissions/sandbox-state.ts";
import { type Confined, type Sandbox, SandboxError, type SandboxRequest } from "./port.ts";
import { filterBytes } from "./system-call-filter.ts";
import { trustedProgram } from "./trusted-program.ts";

export interface LinuxSandboxOptions {
  /** For the filter of system calls and the list of placeholders; a folder that no command can change. */
  readonly stateFolder: string;
  /** Files and folders that no command sees. */
  readonly hidden: readonly string[];
  /** Where bubblewrap is looked for. */
  readonly path: string;
}

/** What was found to work; `passesSignals`: see `Launch`. */
interface Tools {
  readonly bwrap: string;
  readonly shell: string;
  readonly passesSignals: boolean;
}

type Look =
  | { readonly tools: Tools; readonly state: SandboxState & { readonly works: true } }
  | { readonly tools?: undefined; readonly state: SandboxState & { readonly works: false } };

/** After so long it is looked again whether a machine that lacked something, or had no room, still does. */
const lookAgainMs = 10_000;
const install =
  "install it as an administrator: `apt install bubblewrap` (or `dnf install bubblewrap`, `pacman -S bubblewrap`)";

export class LinuxSandbox implements Sandbox {
  readonly #options: LinuxSandboxOptions;
  readonly #placeholders: Placeholders;
  #look: Promise<Look> | undefined;
  /** By `performance.now()`. */
  #forgottenAtMs = Infinity;

  constructor(options: LinuxSandboxOptions) {
    this.#options = options;
    this.#placeholders = new Placeholders(options.stateFolder);
  }

  async state(anew = false): Promise<SandboxState> {
    if (anew) this.#look = undefined;
    return (await this.#found()).state;
  }

  async confine(request: SandboxRequest): Promise<Confined> {
    const { tools, state } = await this.#found();
    if (!tools) throw new SandboxError(`${state.reason}; ${state.fix}`);
    const { network, environment } = request;
    const { hidden, path } = this.#options;
    try {
      if (typeof network === "boolean") return await this.#confine(request, tools, hidden);
      return await confineBehind(network, { bwrap: tools.bwrap, path }, (enter, added) =>
        this.#confine(
          { ...request, environment: { ...environment, ...added } },
          tools,
          hidden,
          enter,
        ),
      );
    } catch (error) {
      throw isOfDisk(error) ? changed(error) : error;
    }
  }

  /** Never rejects. What works is remembered; what does not, for a while. */
  #found(): Promise<Look> {
    if (this.#look && performance.now() < this.#forgottenAtMs) return this.#look;
    this.#forgottenAtMs = Infinity;
    this.#look = this.#lookAnew();
    return this.#look;
  }

  async #lookAnew(): Promise<Look> {
    const look = await this.#lookAround().catch(untried);
    if (!look.tools) this.#forgottenAtMs = performance.now() + lookAgainMs;
    return look;
  }

  async #confine(
    request: SandboxRequest,
    tools: Tools,
    hidden: readonly string[],
    enter: readonly string[] = [],
  ): Promise<Confined> {
    const { rules, cwd, command } = request;
    // a proxied command is in a network of its own already
    const network = request.network !== false;
    const denied = await deniedFiles(rules);
    const plan = planMounts({
      cwd,
      rules,
      denied: [...denied, ...(await this.#linkedNames(request, denied, hidden))],
      hidden,
      privateTmp: request.privateTmp ?? false,
    });
    refuseUnsafe(plan, tools.bwrap, followed(cwd).real);
    const { outer, inner } = splitEnvironment(request.environment);
    const filter = join(this.#options.stateFolder, "system-calls.bpf");
    return {
      command: launchCommand({ ...tools, filter, plan, cwd, network, enter, inner, command }),
      environment: outer,
      release: this.#placeholders.need(
        plan.placeholders,
        plan.mounts.map((mount) => mount.path),
      ),
    };
  }

  async #linkedNames(
    { rules, cwd }: SandboxRequest,
    denied: readonly string[],
    hidden: readonly string[],
  ): Promise<readonly string[]> {
    const writable = rules.rules.flatMap(({ path, access }) =>
      access === "write" && path !== "/" ? [followed(path).real] : [],
    );
    const own = hidden.map((path) => followed(path).real);
    return otherNames([...denied, ...own], [...new Set([...own, ...writable, followed(cwd).real])]);
  }

  async #lookAround(): Promise<Look> {
    const { stateFolder, path } = this.#options;
    const machine = process.arch;
    if (machine !== "x64" && machine !== "arm64") {
      return no(
        `there is no filter of system calls for ${machine}`,
        "run Farhelm on x86-64 or arm64",
      );
    }
    const found = trustedProgram("bwrap", path);
    if (found === undefined) return no("bubblewrap is not installed", install);
    if ("changeable" in found) {
      return no(
        `${found.changeable} could be changed by others than the administrator, so it confines nobody`,
        install,
      );
    }
    const shell = ["/bin/bash", "/usr/bin/bash"].find((program) => existsSync(program));
    if (shell === undefined) return no("bash is not installed", "install it: `apt install bash`");
    keepFilter(stateFolder, filterBytes(machine));
    const known = { bwrap: found.path, shell };
    const first = await this.#try({ ...known, passesSignals: true });
    if (first.works) return first.look;
    const second = await this.#try({ ...known, passesSignals: false });
    return second.works ? second.look : explained(second.why);
  }

  /** Runs a program in it that does nothing. */
  async #try(tools: Tools): Promise<{ works: true; look: Look } | { works: false; why: string }> {
    const { stateFolder } = this.#options;
    const confined = await this.#confine(probeRequest(stateFolder), tools, []);
    try {
      const why = await probeFault(confined);
      if (why !== undefined) return { works: false, why };
    } finally {
      confined.release();
    }
    const how = `bubblewrap (${tools.bwrap})`;
    return { works: true, look: { tools, state: { works: true, how } } };
  }
}

/** As much as a command would ask for: files to read and to write, no network. */
function probeRequest(stateFolder: string): SandboxRequest {
  const rules: PathRules["rules"] = [
    { path: "/", access: "read" },
    { path: followed(stateFolder).real, access: "write" },
  ];
  return {
    command: ["/bin/sh", "-c", ":"],
    cwd: "/",
    rules: { rules, deniedGlobs: [], globScanMaxDepth: undefined },
    network: false,
    environment: {},
  };
}

const isOfDisk = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "code" in error && "syscall" in error;

/** Folders were moved, or links put in their place, while they were looked at. */
const changed = (error: NodeJS.ErrnoException): SandboxError =>
  new SandboxError(
    `what the command may reach changed or could not be looked at while it was about to run (${error.message}): run it again`,
  );

const no = (reason: string, fix: string): Look => ({ state: { works: false, reason, fix } });

/** Something was in the way of the look itself. */
const untried = (error: unknown): Look =>
  no(
    `the sandbox could not be tried (${error instanceof Error ? error.message : String(error)})`,
    "mend what it says, and try again",
  );

/** What bubblewrap says, with what to do about it. */
function explained(why: string): Look {
  const line = why.split("\n").find((text) => text !== "") ?? why;
  if (/namespace|uid map|RTM_NEWADDR|Operation not permitted|Permission denied/i.test(why)) {
    return no(
      `this machine lets this user make no namespaces (${line})`,
      "on Ubuntu give /usr/bin/bwrap an AppArmor profile with `userns,` or set kernel.apparmor_restrict_unprivileged_userns=0; on Debian set kernel.unprivileged_userns_clone=1; a container must be started so that it may make them",
    );
  }
  return no(`bubblewrap does not run here (${line})`, "mend what it says, and try again");
}

function refuseUnsafe({ mounts }: MountPlan, bwrap: string, cwd: string): void {
  const about = (path: string) =>
    mounts.findLast((mount) => isInside(mount.path, path) && mount.path !== "/");
  if (about(bwrap)?.kind === "write") {
    throw new SandboxError(
      `commands may write ${bwrap}, which is to confine them: take its folder out of what may be written`,
    );
  }
  const around = about(cwd);
  if (around?.kind === "hidden" || (!around && !mounts.some(({ path }) => path === "/"))) {
    throw new SandboxError(
      `the command's folder ${cwd} is one that it may not read: run it in another one, or change the permissions`,
    );
  }
}

/** The program does not change while hosts start and run beside each other. */
function keepFilter(folder: string, bytes: Buffer): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "system-calls.bpf");
  if (existsSync(file) && readFileSync(file).equals(bytes)) return;
  const part = `${file}.${process.pid}`;
  writeFileSync(part, bytes, { mode: 0o600 });
  renameSync(part, file);
}
