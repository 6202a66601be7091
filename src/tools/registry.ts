/** The tools of this host under one roof. */
import { ApplyPatch } from "./apply-patch.ts";
import { closedFiles } from "./closed-files.ts";
import type { Environment } from "./command-environment.ts";
import { CommandSessions } from "./command-sessions.ts";
import type { Confinement } from "./confinement.ts";
import { ExecCommand } from "./exec-command.ts";
import { runGoalTool } from "./goal-tools.ts";
import { PatchJournal } from "./patch-journal.ts";
import type { ToolCall, ToolContext, ToolOutput, Tools } from "./port.ts";
import { ScriptRisks } from "./script-risks.ts";
import { createShellParser } from "./shell-parser.ts";
import { defaultShell } from "./shells.ts";
import { CallError } from "./tool-arguments.ts";
import type { ToolLog } from "./tool-log.ts";
import { requestPermissions } from "./request-permissions.ts";
import { toolSpecs } from "./tool-specs.ts";
import { updatePlan } from "./update-plan.ts";
import { dynamicSpecs, isDynamic, runDynamicTool } from "./dynamic-tool.ts";
import { UserCommands } from "./user-command.ts";
import { viewImage } from "./view-image.ts";
import { WriteStdin } from "./write-stdin.ts";

export interface ToolsOptions {
  readonly log: ToolLog;
  /** Absolute path of the shell that runs commands; the user's own unless given. */
  readonly shell?: string;
  /** What commands inherit, secrets aside; this process's unless given. */
  readonly env?: Environment;
  /** Files and folders that no tool reads or writes, however they are named. */
  readonly protectedPaths: readonly string[];
  readonly confinement: Confinement;
  /** Where patches under way are written down; what those of a killed program left is removed at once. */
  readonly journal?: PatchJournal;
}

type Run = (call: ToolCall, context: ToolContext) => ToolOutput | Promise<ToolOutput>;

export function createTools(options: ToolsOptions): Tools {
  const { log, shell, env, protectedPaths, confinement } = options;
  const environment = env ?? process.env;
  const sessions = new CommandSessions();
  const closed = closedFiles(protectedPaths, environment);
  const journal = options.journal ?? new PatchJournal(undefined, log);
  journal.sweep();
  const patches = new ApplyPatch(closed, environment, journal);
  const parse = createShellParser((error) =>
    log.warn({ error }, "scripts cannot be read, so that every command is one that nobody knows"),
  );
  const scripts = new ScriptRisks(parse, shell ?? defaultShell(environment));
  const exec = new ExecCommand({
    sessions,
    patches,
    environment,
    shell,
    log,
    confinement,
    scripts,
  });
  const stdin = new WriteStdin(sessions);
  const userCommands = new UserCommands({ sessions, environment, shell });
  const tools = new Map<string, Run>([
    ["exec_command", (call, context) => exec.run(call, context)],
    ["write_stdin", (call, context) => stdin.run(call, context)],
    ["apply_patch", (call, context) => patches.run(call, context)],
    ["request_permissions", optional(requestPermissions)],
    ["update_plan", updatePlan],
    ["get_goal", optional(runGoalTool)],
    ["create_goal", optional(runGoalTool)],
    ["update_goal", optional(runGoalTool)],
    ["view_image", (call, context) => viewImage(call, context, closed)],
  ]);
  return {
    specs: (offer) => [...toolSpecs(offer), ...dynamicSpecs(offer.dynamicTools)],
    async run(call, context) {
      context.signal.throwIfAborted();
      const isOffered = isDynamic(context.dynamicTools, call);
      const own = call.namespace === null ? tools.get(call.name) : undefined;
      const tool = isOffered ? runDynamicTool : own;
      if (!tool) return { output: unsupported(call) };
      try {
        return await tool(call, context);
      } catch (error) {
        if (error instanceof CallError) return { output: error.message };
        throw error;
      }
    },
    runUserCommand: (command, context) => userCommands.run(command, context),
    hasProcesses: (threadId) => sessions.hasRunning(threadId),
    background: (threadId) =>
      sessions
        .running(threadId)
        .map(({ id, itemId, script, cwd }) => ({ processId: id, itemId, script, cwd })),
    endBackground(threadId, processId) {
      const session = sessions.running(threadId).find(({ id }) => id === processId);
      session?.stop();
      return session !== undefined;
    },
    endThread: (threadId) => sessions.endThread(threadId),
    close: () => sessions.close(),
  };
}

/** A tool that is not in every turn. */
const optional =
  (run: (call: ToolCall, context: ToolContext) => Promise<ToolOutput | undefined>): Run =>
  async (call, context) =>
    (await run(call, context)) ?? { output: unsupported(call) };

function unsupported({ kind, name }: ToolCall): string {
  return kind === "custom" ? `unsupported custom tool call: ${name}` : `unsupported call: ${name}`;
}
