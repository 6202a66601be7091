/** The first line of a rollout: who made the thread, where, and under which instructions. */
import { DynamicTool } from "../../protocol/dynamic-tools.ts";
import { ThreadId } from "../../protocol/ids.ts";
import type { GitInfo, SessionSource } from "../../protocol/thread.ts";
import { uuidV7 } from "../../util/uuid-v7.ts";
import type { ThreadMeta } from "../port.ts";
import {
  camelMembers,
  isRecord,
  numberOf,
  parseRecord,
  recordOf,
  snakeMembers,
  textOf,
} from "./members.ts";
import type { Json } from "./members.ts";

/** History files call the protocol's `appServer` by its older name. */
const encodeSource = (source: SessionSource): unknown => {
  if (typeof source === "string") return source === "appServer" ? "mcp" : source;
  return snakeSource(source);
};
const snakeSource = (source: Json): Json => {
  const { subAgent, ...rest } = source;
  return subAgent === undefined ? snakeMembers(rest) : { subagent: subAgent };
};

function decodeSource(stored: unknown): SessionSource {
  if (isRecord(stored)) {
    const { subagent, ...rest } = stored;
    return subagent === undefined ? camelMembers(rest) : { subAgent: subagent };
  }
  const name = textOf(stored) ?? "vscode";
  if (name === "mcp") return "appServer";
  return ["cli", "vscode", "exec"].includes(name) ? name : "unknown";
}

function encodeGit(git: GitInfo): Json {
  return {
    ...(git.sha === null ? {} : { commit_hash: git.sha }),
    ...(git.branch === null ? {} : { branch: git.branch }),
    ...(git.originUrl === null ? {} : { repository_url: git.originUrl }),
  };
}

function decodeGit(stored: unknown): GitInfo | null {
  const git = recordOf(stored);
  const info = {
    sha: textOf(git["commit_hash"]),
    branch: textOf(git["branch"]),
    originUrl: textOf(git["repository_url"]),
  };
  return (info.sha ?? info.branch ?? info.originUrl) ? info : null;
}

/** The repository as a `session_meta` line names it; an empty record where none is known. */
export const encodeKnownGit = (git: GitInfo | null): Json => (git === null ? {} : encodeGit(git));

export function encodeMeta(meta: ThreadMeta, base?: HistoryBase): Json {
  return {
    session_id: meta.sessionId,
    id: meta.id,
    ...(meta.forkedFromId === null ? {} : { forked_from_id: meta.forkedFromId }),
    ...(base === undefined ? {} : { forked_from_ordinal_exclusive: base.endOrdinal }),
    timestamp: new Date(meta.createdAtMs).toISOString(),
    cwd: meta.cwd,
    runtime_workspace_roots: [meta.cwd],
    originator: meta.originator,
    cli_version: meta.cliVersion,
    source: encodeSource(meta.source),
    ...(meta.threadSource === null ? {} : { thread_source: meta.threadSource }),
    model_provider: meta.modelProvider,
    base_instructions: meta.baseInstructions === null ? null : { text: meta.baseInstructions },
    ...(meta.dynamicTools ? { dynamic_tools: meta.dynamicTools } : {}),
    ...(meta.historyMode === "paginated"
      ? {
          history_mode: "paginated",
          ...(base === undefined ? {} : { history_base: encodeBase(base) }),
          context_window: { window_id: uuidV7(meta.createdAtMs) },
        }
      : {}),
    ...(meta.gitInfo === null ? {} : { git: encodeGit(meta.gitInfo) }),
  };
}

/** Undefined where the payload names no thread. */
export function decodeMeta(payload: Json, fallbackMs: number): ThreadMeta | undefined {
  const id = textOf(payload["id"]);
  if (id === null) return undefined;
  const createdAtMs = Date.parse(textOf(payload["timestamp"]) ?? "");
  const forkedFrom = textOf(payload["forked_from_id"]);
  return {
    id: ThreadId.parse(id),
    sessionId: textOf(payload["session_id"]) ?? id,
    forkedFromId: forkedFrom === null ? null : ThreadId.parse(forkedFrom),
    createdAtMs: Number.isNaN(createdAtMs) ? fallbackMs : createdAtMs,
    cwd: textOf(payload["cwd"]) ?? "",
    originator: textOf(payload["originator"]) ?? "",
    cliVersion: textOf(payload["cli_version"]) ?? "",
    source: decodeSource(payload["source"]),
    threadSource: textOf(payload["thread_source"]),
    modelProvider: textOf(payload["model_provider"]) ?? "",
    baseInstructions:
      textOf(recordOf(payload["base_instructions"])["text"]) ?? textOf(payload["instructions"]),
    historyMode: payload["history_mode"] === "paginated" ? "paginated" : "legacy",
    gitInfo: decodeGit(payload["git"]),
    ...decodeTools(payload["dynamic_tools"]),
  };
}

const DynamicTools = DynamicTool.array();

/** Tools in a form that is not known are as none. */
function decodeTools(stored: unknown): Pick<ThreadMeta, "dynamicTools"> {
  // The rows of a list have none: this runs for each of them.
  if (!Array.isArray(stored) || stored.length === 0) return {};
  const tools = DynamicTools.safeParse(stored);
  return tools.success ? { dynamicTools: tools.data } : {};
}

/** Where a fork's own file leans on another thread's: that file's first `endOffset` bytes come before it. */
export interface HistoryBase {
  readonly threadId: ThreadId;
  readonly endOffset: number;
  /** The ordinal of the first line that does not belong to the fork. */
  readonly endOrdinal: number;
}

/** A file's first line with another base, or with none. */
export function encodeRebased(line: string, base: HistoryBase | undefined): string {
  const record = parseRecord(line) ?? {};
  const { history_base: _, ...payload } = recordOf(record["payload"]);
  return JSON.stringify({
    ...record,
    ordinal: base?.endOrdinal ?? 0,
    payload: base === undefined ? payload : { ...payload, history_base: encodeBase(base) },
  });
}

const encodeBase = (base: HistoryBase): Json => ({
  thread_id: base.threadId,
  end_ordinal_exclusive: base.endOrdinal,
  end_byte_offset: base.endOffset,
});

export function historyBaseOf(payload: Json): HistoryBase | undefined {
  const base = recordOf(payload["history_base"]);
  const id = textOf(base["thread_id"]);
  const endOffset = numberOf(base["end_byte_offset"]);
  return id === null || endOffset === null
    ? undefined
    : {
        threadId: ThreadId.parse(id),
        endOffset,
        endOrdinal: numberOf(base["end_ordinal_exclusive"]) ?? 0,
      };
}
