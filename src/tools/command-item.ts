/** A command as clients see it and as the model is told of it. */
import { randomBytes } from "node:crypto";
import type { CommandExecutionItem } from "../protocol/item.ts";
import { ItemId } from "../protocol/ids.ts";
import { commandActions } from "./command-actions.ts";
import { outputForModel, tokensOf } from "./output-buffer.ts";
import { quoteArguments } from "./shell-quote.ts";

/** The item when the command begins; `script` is what the shell in `command` is given to run. */
export function commandItem(
  callId: string,
  command: readonly string[],
  script: string,
  cwd: string,
): CommandExecutionItem {
  return {
    type: "commandExecution",
    id: ItemId.parse(callId),
    pluginId: null,
    scriptPath: null,
    command: quoteArguments(command),
    cwd,
    processId: null,
    source: "unifiedExecStartup",
    status: "inProgress",
    commandActions: commandActions(script, cwd),
    aggregatedOutput: null,
    exitCode: null,
    durationMs: null,
    startedAtMs: Date.now(),
    completedAtMs: null,
  };
}

/** The item of a command that a person did not allow. */
export function stoppedItem(
  item: CommandExecutionItem,
  status: "declined" | "failed",
): CommandExecutionItem {
  return { ...item, status, completedAtMs: Date.now() };
}

/** The item of a command that was allowed but did not start. */
export function unstartedItem(item: CommandExecutionItem, reason: string): CommandExecutionItem {
  return {
    ...item,
    source: "unifiedExecStartup",
    status: "failed",
    aggregatedOutput: reason,
    exitCode: -1,
    durationMs: 0,
    completedAtMs: Date.now(),
  };
}

export interface CommandReport {
  readonly wallMs: number;
  /** The exit code, or the session in which it goes on. */
  readonly state: { readonly exitCode: number } | { readonly sessionId: number };
  readonly output: {
    readonly text: string;
    readonly totalBytes: number;
    readonly totalLines: number;
    /** What the proxy refused. */
    readonly notes: readonly string[];
  };
  readonly maxTokens: number;
}

/** What the model reads. The labels are the protocol's: models are trained on them. */
export function reportForModel({ wallMs, state, output, maxTokens }: CommandReport): string {
  return [
    `Chunk ID: ${randomBytes(3).toString("hex")}`,
    wallTime(wallMs),
    "exitCode" in state
      ? `Process exited with code ${state.exitCode}`
      : `Process running with session ID ${state.sessionId}`,
    ...output.notes.map((note) => `Network: ${note}`),
    `Original token count: ${tokensOf(output.totalBytes)}`,
    "Output:",
    outputForModel(output, maxTokens),
  ].join("\n");
}

export function wallTime(wallMs: number): string {
  return `Wall time: ${(wallMs / 1000).toFixed(4)} seconds`;
}
