import { RpcError, invalidRequest } from "../protocol/errors.ts";
import type { KeptGoal, ThreadGoal } from "../protocol/goal.ts";
import type { ThreadId, TurnId } from "../protocol/ids.ts";
import type { ModelItem } from "../protocol/model-item.ts";
import type { Turn } from "../protocol/turn.ts";
import type { GoalReport, GoalTools } from "../tools/port.ts";
import { nextGoalStatus } from "./goal-state.ts";
import { budgetReached, continuation } from "./goal-words.ts";
import type { Goals } from "./goals.ts";
import { isSpent, shownGoal } from "./goals.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import type { LoadedThreads } from "./loaded-threads.ts";
import type { Announcing } from "./port.ts";
import type { GoalChange, ThreadGoals } from "./side-state-port.ts";

export interface GoalParts {
  readonly loaded: LoadedThreads;
  readonly goals: Goals;
  readonly log: { error(fields: object, message: string): void };
  /** The feature, as config.toml has it now. */
  readonly isOn: () => boolean;
  readonly maySend: (principalId: string) => boolean;
  /** Whether messages wait for the thread: they come first. */
  readonly hasWaiting: (id: ThreadId) => Promise<boolean>;
  /** Begins a turn that nobody asked for. The thread counts as busy from the call on. */
  readonly begin: (id: ThreadId, words: ModelItem) => Promise<Announcing & { turnId: TurnId }>;
}

/** Up to where a turn's cost is on the goal's account. */
interface Meter {
  readonly turnId: TurnId;
  tokens: number;
  sinceMs: number;
  /** The goal was active in this turn: what the turn costs after the budget is used up counts too. */
  wasActive: boolean;
}

/** What a thread's goal makes happen: turns of its own, and what they cost. */
export class GoalEngine implements ThreadGoals {
  readonly #parts: GoalParts;
  readonly #meters = new Map<ThreadId, Meter>();
  /** The turn that the goal began last, and whether a tool ran in it. */
  readonly #own = new Map<ThreadId, { readonly turnId: TurnId; usedTool: boolean }>();
  /** Its last own turn did nothing: there it waits until somebody writes or sets the goal. */
  readonly #resting = new Set<ThreadId>();

  constructor(parts: GoalParts) {
    this.#parts = parts;
  }

  /** False also while config.toml cannot be read. */
  get #isOn(): boolean {
    try {
      return this.#parts.isOn();
    } catch {
      return false;
    }
  }

  async get(id: ThreadId): Promise<ThreadGoal | null> {
    this.#mustBeOn();
    const goal = await this.#parts.goals.get(id);
    return goal && shownGoal(id, goal);
  }

  async set(id: ThreadId, change: GoalChange, from: string) {
    this.#mustBeOn();
    const { goals, loaded } = this.#parts;
    const thread = loaded.get(id);
    if (thread) (await this.#account(thread))();
    const goal = await goals.set(id, change, from);
    if (thread) this.#restart(thread);
    this.#resting.delete(id);
    const tell = goals.tellingLater(id, goal);
    return {
      goal: shownGoal(id, goal),
      announce: () => {
        tell();
        this.advance(id);
      },
    };
  }

  async clear(id: ThreadId): Promise<{ readonly cleared: boolean } & Announcing> {
    this.#mustBeOn();
    const { goals } = this.#parts;
    const had = (await goals.get(id)) !== null;
    if (!had) return { cleared: false, announce: () => {} };
    await goals.change(id, () => undefined);
    return { cleared: true, announce: () => goals.tellCleared(id) };
  }

  /** Somebody comes to a thread in memory. `wakes`: a goal that was paused is active again; the result tells of it. */
  async cameBack(id: ThreadId, wakes: boolean): Promise<() => void> {
    const { goals } = this.#parts;
    if (!this.#isOn) return () => {};
    await goals.look(id);
    if (!wakes || (await goals.get(id))?.status !== "paused") return () => {};
    const goal = await goals.change(id, (before) => before && moved(before, { kind: "resumed" }));
    this.#resting.delete(id);
    return () => {
      if (goal) goals.tell(id, goal, null);
    };
  }

  advance(id: ThreadId): void {
    this.#next(id).catch((error: unknown) =>
      this.#parts.log.error({ err: error, threadId: id }, "a goal did not go on"),
    );
  }

  turnStarted(thread: LoadedThread, turnId: TurnId): void {
    this.#meters.set(thread.id, {
      turnId,
      tokens: costOf(thread),
      sinceMs: Date.now(),
      wasActive: false,
    });
    if (this.#own.get(thread.id)?.turnId !== turnId) this.#resting.delete(thread.id);
  }

  /** A tool ran: what it cost so far is told. The result is for the model. */
  async toolRan(thread: LoadedThread): Promise<ModelItem | undefined> {
    const own = this.#own.get(thread.id);
    if (own && own.turnId === this.#meters.get(thread.id)?.turnId) own.usedTool = true;
    let limited: KeptGoal | undefined;
    const reached = (goal: KeptGoal): void => {
      limited = goal;
    };
    (await this.#account(thread, reached))();
    return limited && budgetReached(limited);
  }

  /** The end of a turn is stored, and nobody knows yet. Never rejects; the result tells the clients. */
  async turnEnded(thread: LoadedThread, { id: turnId, status }: Turn): Promise<() => void> {
    const { id } = thread;
    const tell = await this.#account(thread);
    this.#meters.delete(id);
    const own = this.#own.get(id);
    this.#own.delete(id);
    if (own?.turnId === turnId && !own.usedTool) this.#resting.add(id);
    if (status === "failed") this.#resting.add(id);
    return tell;
  }

  /** Clients know of the end. */
  endTold(id: ThreadId, how: "ended" | "interrupted"): void {
    if (how === "ended") {
      this.advance(id);
      return;
    }
    this.#pause(id).catch((error: unknown) =>
      this.#parts.log.error({ err: error, threadId: id }, "a goal is not paused"),
    );
  }

  /** The thread is no longer in memory. */
  forget(id: ThreadId): void {
    this.#parts.goals.forget(id);
    this.#meters.delete(id);
    this.#own.delete(id);
    this.#resting.delete(id);
  }

  /** What the model may do with the goal; undefined: the feature is off, or the thread is kept nowhere. */
  toolsOf(thread: LoadedThread): GoalTools | undefined {
    if (!this.#isOn || thread.ephemeral) return undefined;
    const { goals } = this.#parts;
    const { id } = thread;
    const turnId = (): TurnId | null => this.#meters.get(id)?.turnId ?? null;
    return {
      get: async () => reportOf(id, await goals.get(id)),
      create: async (objective, tokenBudget) => {
        const before = await goals.get(id);
        if (before && before.status !== "complete") return { refusal: unfinished };
        const goal = await refusable(() => goals.set(id, { objective, tokenBudget }, undefined));
        if ("refusal" in goal) return goal;
        this.#restart(thread);
        goals.tell(id, goal, turnId());
        return reportOf(id, goal);
      },
      complete: async () => {
        (await this.#account(thread))();
        const goal = await goals.change(
          id,
          (before) => before && moved(before, { kind: "completed" }),
        );
        if (!goal) return { refusal: noGoal };
        goals.tell(id, goal, turnId());
        return reportOf(id, goal);
      },
    };
  }

  /** Puts what the turn cost since the last time on the goal's account. Never rejects; the result tells the clients. */
  async #account(
    thread: LoadedThread,
    reached: (goal: KeptGoal) => void = () => {},
  ): Promise<() => void> {
    const { goals, log } = this.#parts;
    const meter = this.#meters.get(thread.id);
    if (!meter || !this.#isOn || thread.ephemeral || !thread.stored) return () => {};
    const tokens = costOf(thread) - meter.tokens;
    const timeMs = Date.now() - meter.sinceMs;
    let isNews = false;
    try {
      const known = await goals.get(thread.id);
      this.#restart(thread);
      meter.wasActive ||= known?.status === "active";
      if (!known || !isCounted(known, meter)) return () => {};
      const goal = await goals.change(thread.id, (before) => {
        if (!before || !isCounted(before, meter)) return before;
        const spent = spentMore(before, tokens, timeMs);
        isNews = tokens > 0 || seconds(spent.timeUsedMs) > seconds(before.timeUsedMs);
        return spent;
      });
      if (goal?.status === "budgetLimited" && known.status === "active") reached(goal);
      return () => {
        if (goal && isNews) goals.tell(thread.id, goal, meter.turnId);
      };
    } catch (error) {
      log.error(
        { err: error, threadId: thread.id },
        "what a turn cost is not on its goal's account",
      );
      return () => {};
    }
  }

  /** What was spent until now is not on the account of what comes. */
  #restart(thread: LoadedThread): void {
    const meter = this.#meters.get(thread.id);
    if (!meter) return;
    meter.tokens = costOf(thread);
    meter.sinceMs = Date.now();
  }

  async #pause(id: ThreadId): Promise<void> {
    const { goals, loaded } = this.#parts;
    const thread = loaded.get(id);
    if (!this.#isOn || !thread || thread.ephemeral) return;
    if ((await goals.get(id))?.status !== "active") return;
    const goal = await goals.change(
      id,
      (before) => before && moved(before, { kind: "interrupted" }),
    );
    if (goal) goals.tell(id, goal, null);
  }

  async #next(id: ThreadId): Promise<void> {
    const { goals, loaded, maySend, hasWaiting, begin } = this.#parts;
    const isFree = (): boolean => {
      const thread = loaded.get(id);
      return thread !== undefined && thread.stored && !thread.ephemeral && !thread.active;
    };
    if (!this.#isOn || !isFree() || this.#resting.has(id)) return;
    const goal = await goals.get(id);
    if (goal?.status !== "active" || (await hasWaiting(id)) || !isFree()) return;
    if (goal.from !== undefined && !maySend(goal.from)) {
      await this.#pause(id);
      return;
    }
    const { turnId, announce } = await begin(id, continuation(goal));
    this.#own.set(id, { turnId, usedTool: false });
    announce();
  }

  #mustBeOn(): void {
    if (!this.#isOn) throw invalidRequest("goals feature is disabled");
  }
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

/** What is new to the model counts, and what it writes. */
function costOf({ usage }: LoadedThread): number {
  if (!usage) return 0;
  const { inputTokens, cachedInputTokens, outputTokens } = usage.total;
  return inputTokens - cachedInputTokens + outputTokens;
}

/** A turn that reached the budget goes on to its end, and that costs too. */
const isCounted = ({ status }: KeptGoal, { wasActive }: Meter): boolean =>
  status === "active" || (status === "budgetLimited" && wasActive);

const moved = (goal: KeptGoal, event: Parameters<typeof nextGoalStatus>[1]): KeptGoal => ({
  ...goal,
  status: nextGoalStatus(goal.status, event),
  updatedAtMs: Date.now(),
});

function spentMore(before: KeptGoal, tokens: number, timeMs: number): KeptGoal {
  const goal = {
    ...before,
    tokensUsed: before.tokensUsed + Math.max(0, tokens),
    timeUsedMs: before.timeUsedMs + Math.max(0, timeMs),
  };
  return moved(goal, { kind: "spent", isSpent: isSpent(goal) });
}

const noGoal = "this thread has no goal";
const unfinished =
  "this thread has a goal already; complete it first, a person may also replace or clear it";

async function refusable<T>(work: () => Promise<T>): Promise<T | { readonly refusal: string }> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RpcError) return { refusal: error.message };
    throw error;
  }
}

function reportOf(id: ThreadId, goal: KeptGoal | null): GoalReport {
  const budget = goal?.tokenBudget ?? null;
  const left = goal && budget !== null ? Math.max(0, budget - goal.tokensUsed) : null;
  return { goal: goal && shownGoal(id, goal), remainingTokens: left };
}
