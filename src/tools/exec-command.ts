/** `exec_command`: runs a shell command, after approval where one is needed. */
import { resolve } from "node:path";
import { decideCommand } from "../permissions/command-decision.ts";
import type { Wish } from "../permissions/grants.ts";
import type { CommandExecutionItem } from "../protocol/item.ts";
import type { PermissionProfile } from "../protocol/permission-profile.ts";
import type { ApplyPatch } from "./apply-patch.ts";
import { unreachable } from "../util/unreachable.ts";
import { commandWish, profileFor } from "./command-wish.ts";
import { commandEnvironment, type Environment } from "./command-environment.ts";
import {
  commandItem,
  reportForModel,
  stoppedItem,
  unstartedItem,
  wallTime,
} from "./command-item.ts";
import type { Confinement } from "./confinement.ts";
import { CommandSession } from "./command-session.ts";
import type { CommandSessions } from "./command-sessions.ts";
import { quietGit } from "./git-guard.ts";
import { RefusedHosts } from "./network-proxy/refused-hosts.ts";
import { maxModelTokens } from "./output-buffer.ts";
import { patchInvocation } from "./patch-invocation.ts";
import type { ToolCall, ToolContext, ToolOutput } from "./port.ts";
import { proxiedFor } from "./reaching-command.ts";
import type { ScriptRisks } from "./script-risks.ts";
import { defaultShell, namedShell } from "./shells.ts";
import { folderProblem, startFailure } from "./start-failure.ts";
import { Arguments } from "./tool-arguments.ts";
import type { ToolLog } from "./tool-log.ts";

/** How long the model waits for a command before it gets a session instead. */
const yieldMs = { usual: 10_000, least: 250, most: 30_000 };

/** How long an interrupted call waits for its command: killing takes two seconds, and some cannot be killed. */
const interruptMs = 5_000;

export interface ExecServices {
  readonly sessions: CommandSessions;
  readonly patches: ApplyPatch;
  readonly environment: Environment;
  readonly shell: string | undefined;
  readonly log: ToolLog;
  readonly confinement: Confinement;
  readonly scripts: ScriptRisks;
}

/** A call of the tool, read. */
interface ExecCall {
  readonly script: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly tty: boolean;
  readonly yieldMs: number;
  readonly maxTokens: number;
  readonly escalated: boolean;
  readonly wish: Wish | undefined;
  readonly justification: string | null;
}

interface AdmittedCall extends ExecCall {
  /** In the sandbox. */
  readonly confined: boolean;
  /** It runs unasked because it only reads, which holds for git where no repository names what it starts. */
  readonly isKnown: boolean;
}

export class ExecCommand {
  readonly #services: ExecServices;

  constructor(services: ExecServices) {
    this.#services = services;
  }

  async run(call: ToolCall, context: ToolContext): Promise<ToolOutput> {
    const exec = this.#read(new Arguments(call.arguments), context);
    const patch = patchInvocation(exec.script);
    if (patch) {
      const startedMs = performance.now();
      const cwd = resolve(exec.cwd, patch.folder);
      const outcome = await this.#services.patches.apply(call.callId, patch.text, cwd, context);
      if (!outcome.applied) return { output: outcome.text };
      return { output: `${wallTime(performance.now() - startedMs)}\nOutput:\n${outcome.text}` };
    }
    return { output: await this.#runCommand(call.callId, exec, context) };
  }

  #read(input: Arguments, context: ToolContext): ExecCall {
    const { environment, shell } = this.#services;
    const script = input.text("cmd");
    const cwd = resolve(context.cwd, input.optionalText("workdir") ?? ".");
    const named = input.optionalText("shell");
    const program =
      named === undefined ? (shell ?? defaultShell(environment)) : namedShell(named, environment);
    const wait = input.optionalCount("yield_time_ms") ?? yieldMs.usual;
    return {
      script,
      command: [program, input.optionalFlag("login") === false ? "-c" : "-lc", script],
      cwd,
      tty: input.optionalFlag("tty") ?? false,
      yieldMs: Math.min(Math.max(wait, yieldMs.least), yieldMs.most),
      maxTokens: input.optionalCount("max_output_tokens") ?? maxModelTokens,
      escalated: input.optionalText("sandbox_permissions") === "require_escalated",
      wish: commandWish(input, cwd, context),
      justification: input.optionalText("justification") ?? null,
    };
  }

  async #runCommand(callId: string, exec: ExecCall, context: ToolContext): Promise<string> {
    const item = commandItem(callId, exec.command, exec.script, exec.cwd);
    const risk = await this.#services.scripts.riskOf(exec.command, context.approvalPolicy);
    const decision = decideCommand({
      approvalPolicy: context.approvalPolicy,
      profile: context.permissionProfile,
      escalated: exec.escalated,
      wishes: exec.wish !== undefined,
      sandbox: await this.#services.confinement.state(),
      risk,
      isReviewed: context.grants?.isReviewed ?? false,
    });
    context.signal.throwIfAborted();
    switch (decision.kind) {
      case "run":
        return this.#start(
          { ...exec, confined: decision.confined, isKnown: risk === "readOnly" },
          item,
          false,
          context,
        );
      case "refuse":
        if (!exec.escalated && risk !== "forced")
          await tellUnstarted(item, decision.message, false, context);
        return decision.message;
      case "ask": {
        const asked: CommandExecutionItem = { ...item, source: "agent" };
        context.itemStarted(asked);
        const admitted = { ...exec, confined: decision.confined, isKnown: false };
        const reason = exec.justification ?? decision.reason;
        const refusal = await askForCommand(asked, admitted, reason, context);
        return refusal ?? this.#start(admitted, asked, true, context);
      }
      default:
        return unreachable(decision);
    }
  }

  async #start(
    exec: AdmittedCall,
    item: CommandExecutionItem,
    isAnnounced: boolean,
    context: ToolContext,
  ): Promise<string> {
    context.signal.throwIfAborted();
    const started = await this.#tryStart(exec, item, isAnnounced, context);
    if (typeof started !== "string") return this.#await(started, exec, context);
    await tellUnstarted(item, started, isAnnounced, context);
    return `exec_command failed: ${started}`;
  }

  /** The session, or why there is none. */
  async #tryStart(
    exec: AdmittedCall,
    item: CommandExecutionItem,
    isAnnounced: boolean,
    context: ToolContext,
  ): Promise<CommandSession | string> {
    const problem = folderProblem(exec.cwd);
    if (problem !== undefined) return problem;
    const { sessions, environment, confinement } = this.#services;
    const variables = commandEnvironment(environment, context);
    const request = { ...exec, environment: exec.isKnown ? quietGit(variables) : variables };
    const refused = new RefusedHosts();
    const rights = rightsOf(exec, context);
    try {
      const confined = exec.confined
        ? await confinement.confine(request, rights, context.cwd, () =>
            proxiedFor({ ...exec, item }, context, refused),
          )
        : undefined;
      const session = await CommandSession.start(
        sessions.freeId(),
        { ...request, ...confined, rights, takeNotes: () => refused.take() },
        item,
        isAnnounced,
        context,
      );
      sessions.add(context.threadId, session);
      return session;
    } catch (error) {
      return startFailure(error);
    }
  }

  async #await(session: CommandSession, exec: ExecCall, context: ToolContext): Promise<string> {
    const startedMs = performance.now();
    await session.waitForEnd(exec.yieldMs, context.signal);
    if (context.signal.aborted) {
      this.#services.sessions.remove(context.threadId, session.id);
      await session.waitForEnd(interruptMs);
      context.signal.throwIfAborted();
    }
    if (session.exitCode === undefined) {
      session.finished.catch((error: unknown) =>
        this.#services.log.warn(
          { error, itemId: session.itemId },
          "the end of a command was not stored",
        ),
      );
    } else {
      await session.finished;
      this.#services.sessions.remove(context.threadId, session.id);
    }
    return reportForModel({
      wallMs: performance.now() - startedMs,
      state:
        session.exitCode === undefined ? { sessionId: session.id } : { exitCode: session.exitCode },
      output: session.takeOutput(),
      maxTokens: exec.maxTokens,
    });
  }
}

/** What runs outside of the sandbox has no limits of this program's. */
const rightsOf = (exec: AdmittedCall, context: ToolContext): PermissionProfile =>
  exec.confined || context.permissionProfile.type !== "managed"
    ? profileFor(exec, context)
    : { type: "disabled" };

async function tellUnstarted(
  item: CommandExecutionItem,
  reason: string,
  isAnnounced: boolean,
  context: ToolContext,
): Promise<void> {
  if (!isAnnounced) context.itemStarted(item);
  await context.itemCompleted(unstartedItem(item, reason));
}

/** Undefined: the command may run. Otherwise what the model is told; the item is completed. */
async function askForCommand(
  item: CommandExecutionItem,
  exec: AdmittedCall,
  reason: string | null,
  context: ToolContext,
): Promise<string | undefined> {
  const verdict = await context.approvals
    .command({
      itemId: item.id,
      command: exec.command,
      commandLine: item.command,
      cwd: exec.cwd,
      escalated: !exec.confined,
      reason,
      actions: item.commandActions,
      wish: exec.wish,
    })
    .catch(() => (context.signal.aborted ? "declined" : "failed"));
  if (verdict === "run" && !context.signal.aborted) return undefined;
  const status = verdict === "failed" ? "failed" : "declined";
  await context.itemCompleted(stoppedItem(item, status));
  context.signal.throwIfAborted();
  return status === "declined"
    ? "exec_command failed: the command was rejected by the user and did not run; ask what to do instead"
    : "exec_command failed: the approval request failed, so the command did not run";
}
