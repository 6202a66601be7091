import type { SandboxState } from "../permissions/sandbox-state.ts";
import { type ClientProcessRequest, startOnPipes, startOnTerminal } from "./client-process.ts";
import { type Environment, inheritedEnvironment } from "./command-environment.ts";
import type { Confinement, Unconfined } from "./confinement.ts";
import { guardGit } from "./git-guard.ts";
import {
  type ClientCommand,
  ClientCommandError,
  type ClientProcess,
  type ClientProcesses,
  type CommandLimit,
  type CommandOutputListener,
  type HostAnswer,
} from "./port.ts";
import { checkProgram } from "./program-path.ts";
import { type Confined, SandboxError } from "./sandbox/port.ts";

export interface ClientProcessesOptions {
  /** What commands inherit, as far as a policy lets them; this process's unless given. */
  readonly env?: Environment;
  /** Files and folders that guarded commands do not show. */
  readonly protectedPaths: readonly string[];
  readonly confinement: Confinement;
}

export const createClientProcesses = (options: ClientProcessesOptions): ClientProcesses =>
  new ProcessTable(options);

/** The processes of all connections, by owner and id, from before they start until they have ended. */
class ProcessTable implements ClientProcesses {
  readonly #env: Environment;
  readonly #protectedPaths: readonly string[];
  readonly #confinement: Confinement;
  readonly #owners = new Map<object, Map<string, Promise<ClientProcess>>>();

  constructor({ env, protectedPaths, confinement }: ClientProcessesOptions) {
    this.#env = env ?? process.env;
    this.#confinement = confinement;
    this.#protectedPaths = protectedPaths;
  }

  start(
    owner: object,
    id: string,
    command: ClientCommand,
    onOutput: CommandOutputListener,
  ): Promise<ClientProcess> {
    const started = this.#start(command, onOutput);
    const table = this.#owners.get(owner) ?? new Map<string, Promise<ClientProcess>>();
    this.#owners.set(owner, table);
    table.set(id, started);
    const remove = (): void => {
      table.delete(id);
      if (table.size === 0 && this.#owners.get(owner) === table) this.#owners.delete(owner);
    };
    started.then(({ ended }) => ended.then(remove), remove);
    return started;
  }

  find(owner: object, id: string): Promise<ClientProcess> | undefined {
    return this.#owners.get(owner)?.get(id);
  }

  count(owner: object): number {
    return this.#owners.get(owner)?.size ?? 0;
  }

  sandboxState(): Promise<SandboxState> {
    return this.#confinement.state();
  }

  async close(): Promise<void> {
    const all = [...this.#owners.values()].flatMap((table) => [...table.values()]);
    await Promise.all(all.map(end));
  }

  async #start(command: ClientCommand, onOutput: CommandOutputListener): Promise<ClientProcess> {
    const { cwd, takesInput, terminal } = command;
    const { release, ...launch } = await this.#launch(command);
    const request = { ...launch, cwd, takesInput, limits: command };
    try {
      const running = await (terminal
        ? startOnTerminal(request, terminal, onOutput)
        : startOnPipes(request, onOutput));
      if (release) running.ended.then(release, release);
      return running;
    } catch (error) {
      release?.();
      throw error;
    }
  }

  async #launch(command: ClientCommand): Promise<Launch> {
    const limit = await command.limit();
    const { cwd, environmentPolicy } = command;
    const inherited = inheritedEnvironment(this.#env, environmentPolicy);
    if (limit?.kind === "git") return guardGit(limit.git, cwd, inherited, this.#protectedPaths);
    const environment = overlaid(inherited, command);
    const unconfined = { command: command.command, cwd, environment };
    return launchOf(limit ? await this.#confined(unconfined, limit) : unconfined);
  }

  async #confined(
    unconfined: Unconfined,
    { profile, network }: Extract<CommandLimit, { readonly kind: "sandbox" }>,
  ): Promise<Confined> {
    const { command, cwd, environment } = unconfined;
    // seen from inside, a missing program would be one more exit code
    checkProgram(command[0] ?? "", cwd, environment["PATH"] ?? "");
    try {
      return await this.#confinement.confine(unconfined, profile, cwd, () =>
        network ? { rules: () => network, ask: nobodyIsAsked } : undefined,
      );
    } catch (error) {
      if (!(error instanceof SandboxError)) throw error;
      throw new ClientCommandError("refused", error.message, error);
    }
  }
}

const nobodyIsAsked = async (): Promise<HostAnswer> => "closed";

/** `release` is called once, when it has ended or did not start. */
type Launch = Pick<ClientProcessRequest, "program" | "args" | "environment"> & {
  readonly release?: () => void;
};

const launchOf = ({
  command: [program = "", ...args],
  environment,
  release,
}: Pick<Confined, "command" | "environment"> & Partial<Confined>): Launch => ({
  program,
  args,
  environment,
  ...(release && { release }),
});

async function end(started: Promise<ClientProcess>): Promise<void> {
  try {
    const running = await started;
    running.kill();
    await running.ended;
  } catch {
    // it never started: whoever asked for it was told
  }
}

function overlaid(
  inherited: Readonly<Record<string, string>>,
  { env, terminal }: ClientCommand,
): Record<string, string> {
  const { TERM: _, ...rest } = inherited;
  const base = terminal ? { ...rest, TERM: "xterm-256color" } : inherited;
  const removed = new Set(Object.keys(env).filter((name) => env[name] === null));
  const kept = Object.entries(base).filter(([name]) => !removed.has(name));
  const set = Object.entries(env).flatMap(([name, value]) =>
    value === null ? [] : [[name, value]],
  );
  return Object.fromEntries([...kept, ...set]);
}
