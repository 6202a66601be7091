import type { Publisher } from "../events/port.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { KeptGoal } from "../protocol/goal.ts";
import type { ThreadGoal } from "../protocol/goal.ts";
import type { ThreadId, TurnId } from "../protocol/ids.ts";
import { threadGoalCleared, threadGoalUpdated } from "../protocol/thread-notifications.ts";
import type { NoteKind } from "../store/port.ts";
import { textFrame } from "../util/text-frame.ts";
import { nextGoalStatus } from "./goal-state.ts";
import type { CatchUpFrame } from "./connections-port.ts";
import type { GoalChange } from "./side-state-port.ts";
import type { NoteRefusals, SideNotes } from "./side-notes.ts";
import { unsupported } from "./side-notes.ts";

const goalNote: NoteKind<KeptGoal> = {
  name: "goal",
  parse: (value) => KeptGoal.parse(value),
};

const maxObjectiveChars = 4_000;

const refusals: NoteRefusals = {
  ephemeral: unsupported("goals"),
  unknown: (id) => invalidRequest(`thread not found: ${id}`),
  archived: (id) => invalidRequest(`thread not found: ${id}`),
};

const seconds = (ms: number): number => Math.floor(ms / 1000);

/** A goal as clients see it. */
export const shownGoal = (threadId: ThreadId, goal: KeptGoal): ThreadGoal => ({
  threadId,
  objective: goal.objective,
  status: goal.status,
  tokenBudget: goal.tokenBudget,
  tokensUsed: goal.tokensUsed,
  timeUsedSeconds: seconds(goal.timeUsedMs),
  createdAt: seconds(goal.createdAtMs),
  updatedAt: seconds(goal.updatedAtMs),
});

export const isSpent = ({ tokenBudget, tokensUsed }: KeptGoal): boolean =>
  tokenBudget !== null && tokensUsed >= tokenBudget;

/** The goals of threads as they are kept, and what clients are told of them. */
export class Goals {
  readonly #notes: SideNotes;
  readonly #publisher: Publisher;
  /** Of threads to which somebody came back: for those who come next. Null: there is none. */
  readonly #snapshots = new Map<ThreadId, KeptGoal | null>();
  /** Changes that are told later than they are kept: how many of a thread wait for it, and what is kept by now. */
  readonly #untold = new Map<ThreadId, { count: number; kept: KeptGoal | undefined }>();

  constructor(notes: SideNotes, publisher: Publisher) {
    this.#notes = notes;
    this.#publisher = publisher;
  }

  /** Rejects where the thread can have none. */
  async get(id: ThreadId): Promise<KeptGoal | null> {
    await this.#notes.check(id, refusals);
    return (await this.#notes.read(id, goalNote)) ?? null;
  }

  /** As a client wishes it. Rejects with `RpcError`. */
  async set(id: ThreadId, change: GoalChange, from: string | undefined): Promise<KeptGoal> {
    await this.#notes.check(id, refusals);
    const wish = checked(change);
    let goal: KeptGoal | undefined;
    await this.change(id, (before) => {
      goal = wished(id, before, wish, from);
      return goal;
    });
    return goal ?? wished(id, undefined, wish, from);
  }

  /** Atomically; resolves with what there is then. */
  async change(
    id: ThreadId,
    next: (before: KeptGoal | undefined) => KeptGoal | undefined,
  ): Promise<KeptGoal | null> {
    let now: KeptGoal | undefined;
    await this.#notes.change(id, goalNote, refusals, (before) => {
      now = next(before);
      return now && { value: now };
    });
    if (this.#snapshots.has(id)) this.#snapshots.set(id, now ?? null);
    const untold = this.#untold.get(id);
    if (untold) untold.kept = now;
    return now ?? null;
  }

  /** Remembers the goal for those who come to the thread. */
  async look(id: ThreadId): Promise<void> {
    this.#snapshots.set(id, (await this.#notes.read(id, goalNote)) ?? null);
  }

  forget(id: ThreadId): void {
    this.#snapshots.delete(id);
  }

  /** What one who came back is told; nothing where nobody looked. */
  snapshot(threadId: ThreadId): readonly CatchUpFrame[] {
    const goal = this.#snapshots.get(threadId);
    if (goal === undefined) return [];
    const [{ name }, params] =
      goal === null
        ? [threadGoalCleared, { threadId }]
        : [threadGoalUpdated, { threadId, turnId: null, goal: shownGoal(threadId, goal) }];
    return [{ method: name, frame: textFrame(JSON.stringify({ method: name, params })) }];
  }

  /** For a change that clients are told of later, when others may have been made: the result tells what is kept then. */
  tellingLater(id: ThreadId, goal: KeptGoal): () => void {
    const untold = this.#untold.get(id) ?? { count: 0, kept: goal };
    untold.count += 1;
    this.#untold.set(id, untold);
    return () => {
      untold.count -= 1;
      if (untold.count === 0) this.#untold.delete(id);
      if (untold.kept) this.tell(id, untold.kept, null);
    };
  }

  /** `turnId`: the turn in which it came to this by itself. */
  tell(threadId: ThreadId, goal: KeptGoal, turnId: TurnId | null): void {
    const params = { threadId, turnId, goal: shownGoal(threadId, goal) };
    this.#publisher.publish(threadGoalUpdated, params);
  }

  tellCleared(threadId: ThreadId): void {
    this.#publisher.publish(threadGoalCleared, { threadId });
  }
}

function checked(change: GoalChange): GoalChange {
  const objective = change.objective?.trim();
  if (objective === "") throw invalidRequest("goal objective must not be empty");
  if (objective !== undefined && Array.from(objective).length > maxObjectiveChars) {
    throw invalidRequest(`goal objective must be at most ${maxObjectiveChars} characters`);
  }
  const { tokenBudget } = change;
  if (typeof tokenBudget === "number" && tokenBudget <= 0) {
    throw invalidRequest("goal budgets must be positive when provided");
  }
  return { ...change, objective };
}

/** Another objective, and any after the goal was complete, is another goal, which counts from nothing. */
function wished(
  id: ThreadId,
  before: KeptGoal | undefined,
  { objective, status, tokenBudget }: GoalChange,
  from: string | undefined,
): KeptGoal {
  const nowMs = Date.now();
  const sender = from === undefined ? {} : { from };
  const isAnother =
    objective !== undefined &&
    (before === undefined || before.objective !== objective || before.status === "complete");
  if (isAnother) {
    const goal: KeptGoal = {
      objective,
      status: status ?? "active",
      tokenBudget: tokenBudget ?? null,
      tokensUsed: 0,
      timeUsedMs: 0,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    };
    return { ...goal, ...sender };
  }
  if (before === undefined) {
    throw invalidRequest(`cannot update goal for thread ${id}: no goal exists`);
  }
  const budget = tokenBudget === undefined ? before.tokenBudget : tokenBudget;
  const goal = { ...before, ...sender, tokenBudget: budget, updatedAtMs: nowMs };
  const wanted = status ?? (objective === undefined ? before.status : "active");
  const event = { kind: "set", status: wanted, isSpent: isSpent(goal) } as const;
  return { ...goal, status: nextGoalStatus(before.status, event) };
}
