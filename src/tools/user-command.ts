/** Commands that people run by hand in a thread: no question, no sandbox, and the model reads of them later. */
import { randomUUID } from "node:crypto";
import type { CommandExecutionItem } from "../protocol/item.ts";
import { commandEnvironment, type Environment } from "./command-environment.ts";
import { commandItem, unstartedItem } from "./command-item.ts";
import { CommandSession } from "./command-session.ts";
import type { CommandSessions } from "./command-sessions.ts";
import { maxModelTokens, outputForModel } from "./output-buffer.ts";
import type { ToolContext, UserCommand, UserCommandResult } from "./port.ts";
import { defaultShell } from "./shells.ts";
import { folderProblem, startFailure } from "./start-failure.ts";

/** The longest time that a timer takes. */
const maxTimerMs = 2 ** 31 - 1;

export interface UserCommandServices {
  readonly sessions: CommandSessions;
  readonly environment: Environment;
  /** The user's own unless given. */
  readonly shell: string | undefined;
}

export class UserCommands {
  readonly #services: UserCommandServices;

  constructor(services: UserCommandServices) {
    this.#services = services;
  }

  async run({ script, timeoutMs }: UserCommand, context: ToolContext): Promise<UserCommandResult> {
    const { environment, shell } = this.#services;
    const { cwd } = context;
    const command = [shell ?? defaultShell(environment), "-lc", script];
    const item: CommandExecutionItem = {
      ...commandItem(randomUUID(), command, script, cwd),
      source: "userShell",
    };
    const started = await this.#start(item, { script, command }, context);
    if (typeof started === "string") return tellUnstarted(item, started, context);
    const startedMs = performance.now();
    const timer = setTimeout(
      () => started.stop(`command timed out after ${timeoutMs} ms`),
      Math.min(timeoutMs, maxTimerMs),
    );
    try {
      await started.finished;
    } finally {
      clearTimeout(timer);
      this.#services.sessions.remove(context.threadId, started.id);
    }
    return {
      exitCode: started.exitCode ?? -1,
      durationMs: performance.now() - startedMs,
      output: outputForModel(started.takeOutput(), maxModelTokens),
    };
  }

  /** The command as it runs, or why it does not. */
  async #start(
    item: CommandExecutionItem,
    { script, command }: { readonly script: string; readonly command: readonly string[] },
    context: ToolContext,
  ): Promise<CommandSession | string> {
    const problem = folderProblem(context.cwd);
    if (problem !== undefined) return problem;
    const { sessions, environment } = this.#services;
    const request = {
      script,
      command,
      cwd: context.cwd,
      environment: commandEnvironment(environment, context),
      tty: false,
      rights: { type: "disabled" } as const,
    };
    try {
      const session = await CommandSession.start(sessions.freeId(), request, item, false, context);
      sessions.add(context.threadId, session);
      return session;
    } catch (error) {
      return startFailure(error);
    }
  }
}

async function tellUnstarted(
  item: CommandExecutionItem,
  reason: string,
  context: ToolContext,
): Promise<UserCommandResult> {
  context.itemStarted(item);
  await context.itemCompleted({ ...unstartedItem(item, reason), source: item.source });
  return { exitCode: -1, durationMs: 0, output: reason };
}
