import { randomInt } from "node:crypto";
import type { ThreadId } from "../protocol/ids.ts";
import type { CommandSession } from "./command-session.ts";
import { endGroup, isGroupAlive } from "./process-group.ts";

/** As many as a thread keeps; the least recently used one has to go for a new one. */
const maxSessions = 64;
const checkMs = 1_000;
/** How long the end of a process that was killed is waited for: some cannot be. */
const endMs = 3_000;

/** The commands of each thread that run or whose end the model has not read, and what they left running. */
export class CommandSessions {
  readonly #byThread = new Map<ThreadId, Map<number, CommandSession>>();
  /** Groups whose leader ended before its children. Checked often, for a number that is free can be given anew. */
  readonly #leftBehind = new Map<number, ThreadId>();
  #check: NodeJS.Timeout | undefined;

  /** A number that no session of any thread has: 4 or 5 digits. */
  freeId(): number {
    for (;;) {
      const id = randomInt(1_000, 100_000);
      if (![...this.#byThread.values()].some((sessions) => sessions.has(id))) return id;
    }
  }

  add(threadId: ThreadId, session: CommandSession): void {
    const sessions = this.#byThread.get(threadId) ?? new Map<number, CommandSession>();
    this.#byThread.set(threadId, sessions);
    if (sessions.size >= maxSessions) this.#evict(sessions);
    sessions.set(session.id, session);
    const settle = (): void => this.#noteLeftBehind(threadId, session.groupId);
    session.finished.then(settle, settle);
  }

  /** The session, which counts as used by this. */
  find(threadId: ThreadId, id: number): CommandSession | undefined {
    const sessions = this.#byThread.get(threadId);
    const session = sessions?.get(id);
    if (session) {
      sessions?.delete(id);
      sessions?.set(id, session);
    }
    return session;
  }

  remove(threadId: ThreadId, id: number): void {
    const sessions = this.#byThread.get(threadId);
    sessions?.delete(id);
    if (sessions?.size === 0) this.#byThread.delete(threadId);
  }

  /** Whether a command of the thread runs, or something that one left behind. */
  hasRunning(threadId: ThreadId): boolean {
    const sessions = [...(this.#byThread.get(threadId)?.values() ?? [])];
    return (
      sessions.some(({ exitCode }) => exitCode === undefined) ||
      [...this.#leftBehind.values()].includes(threadId)
    );
  }

  /** The agent's commands that go on, by their numbers. */
  running(threadId: ThreadId): readonly CommandSession[] {
    return [...(this.#byThread.get(threadId)?.values() ?? [])]
      .filter((session) => session.isAgents && session.goesOn)
      .toSorted((a, b) => a.id - b.id);
  }

  /** Ends every process of the thread; resolves when they are gone and told of. */
  async endThread(threadId: ThreadId): Promise<void> {
    const sessions = [...(this.#byThread.get(threadId)?.values() ?? [])];
    this.#byThread.delete(threadId);
    const left = [...this.#leftBehind].filter(([, owner]) => owner === threadId);
    await Promise.all([
      ...sessions.map(async (session) => {
        await session.end();
        await session.waitForEnd(endMs);
      }),
      ...left.map(([groupId]) => endGroup(groupId)),
    ]);
    this.#forgetEnded();
  }

  async close(): Promise<void> {
    const threads = new Set([...this.#byThread.keys(), ...this.#leftBehind.values()]);
    await Promise.all([...threads].map((threadId) => this.endThread(threadId)));
    clearInterval(this.#check);
  }

  #evict(sessions: Map<number, CommandSession>): void {
    const all = [...sessions.values()];
    const victim = all.find((session) => session.exitCode !== undefined) ?? all[0];
    if (!victim) return;
    sessions.delete(victim.id);
    void victim.end();
  }

  #noteLeftBehind(threadId: ThreadId, groupId: number): void {
    if (!isGroupAlive(groupId)) return;
    this.#leftBehind.set(groupId, threadId);
    this.#check ??= setInterval(() => this.#forgetEnded(), checkMs).unref();
  }

  #forgetEnded(): void {
    for (const groupId of this.#leftBehind.keys()) {
      if (!isGroupAlive(groupId)) this.#leftBehind.delete(groupId);
    }
    if (this.#leftBehind.size > 0) return;
    clearInterval(this.#check);
    this.#check = undefined;
  }
}
