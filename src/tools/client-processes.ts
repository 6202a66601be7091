import { type ClientProcessRequest, startOnPipes, startOnTerminal } from "./client-process.ts";
import { type Environment, inheritedEnvironment } from "./command-environment.ts";
import { guardGit } from "./git-guard.ts";
import type {
  ClientCommand,
  ClientProcess,
  ClientProcesses,
  CommandOutputListener,
} from "./port.ts";

export interface ClientProcessesOptions {
  /** What commands inherit, as far as a policy lets them; this process's unless given. */
  readonly env?: Environment;
  /** Files and folders that guarded commands do not show. */
  readonly protectedPaths: readonly string[];
}

export const createClientProcesses = (options: ClientProcessesOptions): ClientProcesses =>
  new ProcessTable(options);

/** The processes of all connections, by owner and id, from before they start until they have ended. */
class ProcessTable implements ClientProcesses {
  readonly #env: Environment;
  readonly #protectedPaths: readonly string[];
  readonly #owners = new Map<object, Map<string, Promise<ClientProcess>>>();

  constructor({ env, protectedPaths }: ClientProcessesOptions) {
    this.#env = env ?? process.env;
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

  async close(): Promise<void> {
    const all = [...this.#owners.values()].flatMap((table) => [...table.values()]);
    await Promise.all(all.map(end));
  }

  async #start(command: ClientCommand, onOutput: CommandOutputListener): Promise<ClientProcess> {
    const request = await this.#request(command);
    const { terminal } = command;
    return terminal
      ? startOnTerminal(request, terminal, onOutput)
      : startOnPipes(request, onOutput);
  }

  async #request(command: ClientCommand): Promise<ClientProcessRequest> {
    const { cwd, git, takesInput, environmentPolicy } = command;
    const inherited = inheritedEnvironment(this.#env, environmentPolicy);
    const common = { cwd, takesInput, limits: command };
    if (git) return { ...(await guardGit(git, cwd, inherited, this.#protectedPaths)), ...common };
    const [program = "", ...args] = command.command;
    return { program, args, environment: overlaid(inherited, command), ...common };
  }
}

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
