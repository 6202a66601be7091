import { RpcError, invalidRequest } from "../protocol/errors.ts";
import type { ThreadId } from "../protocol/ids.ts";
import { TurnId } from "../protocol/ids.ts";
import { threadSettingsUpdated } from "../protocol/thread-notifications.ts";
import { threadTokenUsageUpdated } from "../protocol/turn-notifications.ts";
import type { ModelItem } from "../protocol/model-item.ts";
import type { Turn } from "../protocol/turn.ts";
import type { UserInput } from "../protocol/user-input.ts";
import type { UserCommand } from "../tools/port.ts";
import { AgentWork } from "./agent-work.ts";
import { Compaction } from "./compaction.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import { noRollout } from "./loaded-threads.ts";
import type { LoadedThreads } from "./loaded-threads.ts";
import { checkInputSize } from "./model-input.ts";
import type {
  Announcing,
  ContextEntry,
  PersonsWords,
  SettingsOverride,
  TurnStart,
} from "./port.ts";
import { sameSettings, turnSettings, withOverride } from "./settings.ts";
import { ShellWork } from "./shell-work.ts";
import { clientError } from "./store-errors.ts";
import { settingsView } from "./thread-view.ts";
import { uuidV7 } from "../util/uuid-v7.ts";
import type { TurnPorts } from "./turn-ports.ts";
import { TurnRunner } from "./turn-runner.ts";
import type { TurnWork } from "./turn-work.ts";

const nothing: Announcing = { announce: () => {} };

/** What a turn begins with. */
interface TurnOpening {
  readonly words?: PersonsWords;
  readonly modelItems?: readonly ModelItem[];
  readonly turnId?: TurnId | undefined;
}

/**
 * What people do with a thread in memory: turns, settings, and what the model knows. What comes to a turn comes behind its
 * announcement, and the next turn behind its stored end, so that clients and the store see them in this order.
 */
export class TurnControl {
  readonly #loaded: LoadedThreads;
  readonly #ports: TurnPorts;

  constructor(loaded: LoadedThreads, ports: TurnPorts) {
    this.#loaded = loaded;
    this.#ports = ports;
  }

  async startTurn(
    id: ThreadId,
    { input, clientId, context = [], outputSchema, serviceTier, turnId, ...override }: TurnStart,
  ): Promise<{ readonly turn: Turn } & Announcing> {
    const thread = this.#loaded.must(id);
    checkInputSize(input);
    const words = { input, clientId, context };
    return betweenChanges(thread, async () => {
      if (thread.active?.running) {
        if (turnId !== undefined) throw hasTurn();
        return joined(thread.active, words);
      }
      const work = new AgentWork(outputSchema, serviceTier);
      return this.#startAlone(thread, { words, turnId }, work, override);
    });
  }

  async #startAlone(
    thread: LoadedThread,
    opening: TurnOpening,
    work: TurnWork,
    override: SettingsOverride,
  ): Promise<{ readonly turn: Turn } & Announcing> {
    thread.unannounced?.();
    const before = thread.settings;
    thread.settings = withOverride(before, override);
    try {
      const { runner, announce } = await this.#begin(thread, work, opening);
      if (!sameSettings(before, runner.settings)) this.#tellSettings(thread);
      return { turn: runner.opening(), announce };
    } catch (error) {
      if (!thread.active) thread.settings = before;
      throw error;
    }
  }

  /** A turn that nobody asked for, begun with words for the model alone. The thread is busy from the call on. */
  async continueTurn(
    id: ThreadId,
    words: ModelItem,
  ): Promise<{ readonly turnId: TurnId } & Announcing> {
    const thread = this.#loaded.must(id);
    thread.unannounced?.();
    const begun = this.#begin(thread, new AgentWork(null), { modelItems: [words] });
    const { runner, announce } = await begun;
    const { usage } = thread;
    return {
      turnId: runner.id,
      announce: () => {
        announce();
        if (!usage) return;
        const told = { threadId: id, turnId: runner.id, tokenUsage: usage };
        this.#ports.publisher.publish(threadTokenUsageUpdated, told);
      },
    };
  }

  async steer(
    id: ThreadId,
    expected: TurnId,
    input: readonly UserInput[],
    clientId: string | null,
    context: readonly ContextEntry[] = [],
  ): Promise<{ readonly turnId: TurnId } & Announcing> {
    const thread = this.#loaded.must(id);
    if (!expected) throw invalidRequest("expectedTurnId must not be empty");
    checkInputSize(input);
    return betweenChanges(thread, async () => {
      const active = runningTurn(thread, "steer");
      if (active.id !== expected) {
        throw invalidRequest(`expected active turn id \`${expected}\` but found \`${active.id}\``);
      }
      if (input.length === 0) throw invalidRequest("input must not be empty");
      if (active.kind === "compact") throw notSteerable();
      return { turnId: active.id, announce: await steered(active, { input, clientId, context }) };
    });
  }

  async interrupt(id: ThreadId, turnId: TurnId): Promise<Announcing> {
    const thread = this.#loaded.must(id);
    if (turnId === "" && !thread.active) return nothing;
    const active = runningTurn(thread, "interrupt");
    if (active.id !== turnId) {
      throw invalidRequest(`expected active turn id ${turnId} but found ${active.id}`);
    }
    return { announce: await active.interrupt() };
  }

  async runShellCommand(id: ThreadId, command: UserCommand): Promise<Announcing> {
    const thread = this.#loaded.must(id);
    return betweenChanges<Announcing>(thread, async () => {
      const { active } = thread;
      if (active?.running) return { announce: () => active.runBeside(command) };
      thread.unannounced?.();
      return this.#begin(thread, new ShellWork(command));
    });
  }

  async compact(id: ThreadId): Promise<Announcing> {
    const thread = this.#loaded.must(id);
    // nothing was said that could be shorter
    if (thread.modelItems.length === 0 && !thread.active) return nothing;
    const announceEnd = thread.active?.running ? await thread.active.interrupt() : undefined;
    const { announce } = await betweenChanges(thread, () => this.#begin(thread, new Compaction()));
    return {
      announce() {
        announceEnd?.();
        announce();
      },
    };
  }

  async injectItems(id: ThreadId, items: readonly ModelItem[]): Promise<void> {
    const thread = this.#loaded.must(id);
    try {
      await thread.append(items.map((item) => ({ kind: "modelItem", turnId: null, item })));
    } catch (error) {
      throw clientError(error, noRollout(id));
    }
  }

  async updateSettings(id: ThreadId, override: SettingsOverride): Promise<Announcing> {
    const thread = this.#loaded.must(id);
    const settings = withOverride(thread.settings, {
      ...override,
      // a folder without environments asks for that folder's own
      environments:
        override.environments ?? (override.cwd === undefined ? undefined : [{ cwd: override.cwd }]),
    });
    if (sameSettings(thread.settings, settings)) return nothing;
    try {
      if (thread.stored) {
        await thread.append([{ kind: "settings", settings: turnSettings(settings) }]);
      }
    } catch (error) {
      throw clientError(error, noRollout(id));
    }
    thread.settings = settings;
    return { announce: () => this.#tellSettings(thread) };
  }

  /** A new turn, stored; `announce` sets it going. */
  async #begin(
    thread: LoadedThread,
    work: TurnWork,
    { words, modelItems = [], turnId }: TurnOpening = {},
  ): Promise<{ readonly runner: TurnRunner } & Announcing> {
    const id = turnId ?? TurnId.parse(uuidV7());
    const runner = new TurnRunner(thread, this.#ports, work, id);
    thread.active = runner;
    thread.recencyAtMs = Date.now();
    try {
      const items = await runner.accept(words, modelItems);
      return { runner, announce: () => runner.begin(items) };
    } catch (error) {
      runner.refused();
      throw clientError(error, noRollout(thread.id));
    }
  }

  #tellSettings(thread: LoadedThread): void {
    this.#ports.publisher.publish(threadSettingsUpdated, {
      threadId: thread.id,
      threadSettings: settingsView(thread),
    });
  }
}

/** How a client is told that a turn of its own cannot begin. */
export const hasTurn = (): RpcError =>
  invalidRequest("thread already has an active or pending turn");

/**
 * Calls `act` when the thread has no turn, or one that runs: in the same moment in which this was
 * seen, since another turn may begin before anybody else is woken.
 */
async function betweenChanges<T>(thread: LoadedThread, act: () => Promise<T>): Promise<T> {
  while (thread.active?.change) await thread.active.change;
  return act();
}

async function joined(
  active: TurnRunner,
  words: PersonsWords,
): Promise<{ readonly turn: Turn } & Announcing> {
  if (active.kind === "compact") {
    throw new RpcError(
      "internal",
      "failed to submit turn input: ActiveTurnNotSteerable { turn_kind: Compact }",
    );
  }
  return { turn: active.opening(), announce: await steered(active, words) };
}

const steered = async (active: TurnRunner, words: PersonsWords): Promise<() => void> => {
  try {
    return await active.steer(words);
  } catch (error) {
    throw clientError(error, noRollout(active.threadId));
  }
};

function runningTurn(thread: LoadedThread, wish: "steer" | "interrupt"): TurnRunner {
  if (!thread.active?.running) throw invalidRequest(`no active turn to ${wish}`);
  return thread.active;
}

function notSteerable(): RpcError {
  const message = "cannot steer a compact turn";
  const data = {
    message,
    codexErrorInfo: { activeTurnNotSteerable: { turnKind: "compact" } },
    additionalDetails: null,
    misalignment: null,
  };
  return new RpcError("invalidRequest", message, { data });
}
