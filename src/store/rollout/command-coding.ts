/** A shell command's run, as history files spell it, and the protocol's item of it. */
import type { CommandExecutionItem } from "../../protocol/item.ts";
import { joinCommand, splitCommand } from "./command-line.ts";
import { listOf, numberOf, recordOf, snakeName, camelName, textOf, textsOf } from "./members.ts";
import type { Json } from "./members.ts";
import { fileUrlOf, pathOfFileUrl } from "./file-url.ts";

type Action = CommandExecutionItem["commandActions"][number];

function encodeAction(action: Action): Json {
  const { type, command, ...rest } = action;
  return { type: snakeName(type), cmd: command, ...rest };
}

function decodeAction(stored: unknown, cwd: string): Json {
  const { type, cmd, ...rest } = recordOf(stored);
  const kind = camelName(textOf(type) ?? "unknown");
  const path = textOf(rest["path"]);
  if (kind === "read") {
    return { type: kind, command: cmd, name: rest["name"], path: absolute(path ?? "", cwd) };
  }
  if (kind === "listFiles") return { type: kind, command: cmd, path };
  if (kind === "search") return { type: kind, command: cmd, query: textOf(rest["query"]), path };
  return { type: "unknown", command: cmd };
}

const absolute = (path: string, cwd: string): string =>
  path.startsWith("/") || path === "" ? path : `${cwd}/${path}`;

const nanosPerMs = 1_000_000;
const encodeDuration = (durationMs: number): Json => ({
  secs: Math.floor(durationMs / 1000),
  nanos: Math.round((durationMs % 1000) * nanosPerMs),
});

function decodeDuration(stored: unknown): number | null {
  const duration = recordOf(stored);
  const secs = numberOf(duration["secs"]);
  return secs === null
    ? null
    : secs * 1000 + Math.floor((numberOf(duration["nanos"]) ?? 0) / nanosPerMs);
}

/** The words, and the line itself where its words alone would not give it back. */
function encodeCommand(line: string): Json {
  const words = splitCommand(line) ?? [line];
  return joinCommand(words) === line ? { command: words } : { command: words, command_line: line };
}

/** The members that a command has in the `CommandExecution` item and in an `exec_command_end` event. */
export function encodeCommandMembers(item: CommandExecutionItem, cwdAsUrl: boolean): Json {
  return {
    ...(item.processId === null ? {} : { process_id: item.processId }),
    ...encodeCommand(item.command),
    cwd: cwdAsUrl ? fileUrlOf(item.cwd) : item.cwd,
    parsed_cmd: item.commandActions.map(encodeAction),
    source: snakeName(item.source),
    status: snakeName(item.status),
    ...(item.aggregatedOutput === null ? {} : { aggregated_output: item.aggregatedOutput }),
    ...(item.exitCode === null ? {} : { exit_code: item.exitCode }),
    ...(item.durationMs === null ? {} : { duration: encodeDuration(item.durationMs) }),
  };
}

export function decodeCommandMembers(id: unknown, stored: Json): Json {
  const cwd = pathOfFileUrl(textOf(stored["cwd"]) ?? "");
  return {
    type: "commandExecution",
    id,
    pluginId: textOf(stored["plugin_id"]),
    scriptPath: textOf(stored["script_path"]),
    command: textOf(stored["command_line"]) ?? joinCommand(textsOf(stored["command"])),
    cwd,
    processId: textOf(stored["process_id"]),
    source: camelName(textOf(stored["source"]) ?? "agent"),
    status: camelName(textOf(stored["status"]) ?? "completed"),
    commandActions: listOf(stored["parsed_cmd"]).map((action) => decodeAction(action, cwd)),
    aggregatedOutput: textOf(stored["aggregated_output"]),
    exitCode: numberOf(stored["exit_code"]),
    durationMs: decodeDuration(stored["duration"]),
  };
}
