import { invalidRequest } from "../protocol/errors.ts";
import type { ThreadId, TurnId } from "../protocol/ids.ts";
import type { Turn } from "../protocol/turn.ts";
import type { UserInput } from "../protocol/user-input.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import { noRollout } from "./loaded-threads.ts";
import type { LoadedThreads } from "./loaded-threads.ts";
import { checkInputSize } from "./model-input.ts";
import type { TurnStart } from "./port.ts";
import { withOverride } from "./settings.ts";
import { clientError } from "./store-errors.ts";
import type { TurnPorts } from "./turn-ports.ts";
import { TurnRunner } from "./turn-runner.ts";

/** What people do with the turns of a thread in memory. */
export class TurnControl {
  readonly #loaded: LoadedThreads;
  readonly #ports: TurnPorts;

  constructor(loaded: LoadedThreads, ports: TurnPorts) {
    this.#loaded = loaded;
    this.#ports = ports;
  }

  async startTurn(
    id: ThreadId,
    { input, clientId, outputSchema, ...override }: TurnStart,
  ): Promise<{ turn: Turn; readonly announce: () => void }> {
    const thread = this.#loaded.must(id);
    checkInputSize(input);
    if (thread.active?.running) {
      const { active } = thread;
      return { turn: active.opening(), announce: await steered(active, input, clientId) };
    }
    thread.unannounced?.();
    thread.settings = withOverride(thread.settings, override);
    const runner = new TurnRunner(thread, this.#ports, outputSchema);
    thread.active = runner;
    thread.recencyAtMs = Date.now();
    try {
      const items = await runner.accept(input, clientId);
      return { turn: runner.opening(), announce: () => runner.begin(items) };
    } catch (error) {
      runner.refused();
      throw clientError(error, noRollout(id));
    }
  }

  async steer(
    id: ThreadId,
    expected: TurnId,
    input: readonly UserInput[],
    clientId: string | null,
  ): Promise<{ turnId: TurnId; readonly announce: () => void }> {
    const thread = this.#loaded.must(id);
    if (!expected) throw invalidRequest("expectedTurnId must not be empty");
    checkInputSize(input);
    const active = runningTurn(thread, "steer");
    if (active.id !== expected) {
      throw invalidRequest(`expected active turn id \`${expected}\` but found \`${active.id}\``);
    }
    if (input.length === 0) throw invalidRequest("input must not be empty");
    return { turnId: active.id, announce: await steered(active, input, clientId) };
  }

  async interrupt(id: ThreadId, turnId: TurnId): Promise<{ readonly announce: () => void }> {
    const thread = this.#loaded.must(id);
    if (turnId === "" && !thread.active) return { announce: () => {} };
    const active = runningTurn(thread, "interrupt");
    if (active.id !== turnId) {
      throw invalidRequest(`expected active turn id ${turnId} but found ${active.id}`);
    }
    return { announce: await active.interrupt() };
  }
}

const steered = async (
  active: TurnRunner,
  input: readonly UserInput[],
  clientId: string | null,
): Promise<() => void> => {
  try {
    return await active.steer(input, clientId);
  } catch (error) {
    throw clientError(error, noRollout(active.threadId));
  }
};

function runningTurn(thread: LoadedThread, wish: "steer" | "interrupt"): TurnRunner {
  if (!thread.active?.running) throw invalidRequest(`no active turn to ${wish}`);
  return thread.active;
}
