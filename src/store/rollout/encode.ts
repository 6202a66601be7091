/** History events as the lines of a rollout file. Pure: what a file needs to go on is in `EncoderState`. */
import type { TurnId } from "../../protocol/ids.ts";
import type { ModelItem } from "../../protocol/model-item.ts";
import type { GitInfo } from "../../protocol/thread.ts";
import type { TurnError } from "../../protocol/turn.ts";
import { unreachable } from "../../util/unreachable.ts";
import type { HistoryEvent, ThreadMeta } from "../port.ts";
import { encodeItem } from "./item-coding.ts";
import { encodeLegacyItem } from "./legacy-coding.ts";
import { snakeValue } from "./members.ts";
import type { Json } from "./members.ts";
import { encodeKnownGit, encodeMeta } from "./meta-coding.ts";
import type { HistoryBase } from "./meta-coding.ts";
import { encodeSettingsApplied, encodeTurnContext } from "./settings-coding.ts";
import { encodeTokenCount } from "./usage-coding.ts";

export interface EncoderState {
  readonly threadId: string;
  /** `paginated` lines carry ordinals and whole items, `legacy` ones neither. */
  readonly form: ThreadMeta["historyMode"];
  readonly nextOrdinal: number;
  /** The settings last written, to write them again only when they change. */
  readonly settings: string | null;
  /** The error of the turn that has not ended yet. */
  readonly error: TurnError | null;
}

export interface Encoded {
  /** Without line ends. */
  readonly lines: readonly string[];
  readonly state: EncoderState;
}

interface Draft {
  readonly type: "session_meta" | "turn_context" | "event_msg" | "response_item" | "compacted";
  readonly payload: Json;
}

const event = (payload: Json): Draft => ({ type: "event_msg", payload });

export const freshState = (threadId: string, form: ThreadMeta["historyMode"]): EncoderState => ({
  threadId,
  form,
  nextOrdinal: 0,
  settings: null,
  error: null,
});

function write(state: EncoderState, drafts: readonly Draft[], nowMs: number): Encoded {
  const timestamp = new Date(nowMs).toISOString();
  const lines = drafts.map((draft, index) =>
    JSON.stringify(
      state.form === "paginated"
        ? { timestamp, ordinal: state.nextOrdinal + index, ...draft }
        : { timestamp, ...draft },
    ),
  );
  return { lines, state: { ...state, nextOrdinal: state.nextOrdinal + drafts.length } };
}

/** The line that every file begins with. `base` says where a fork left its source. */
export const encodeHead = (
  state: EncoderState,
  meta: ThreadMeta,
  nowMs: number,
  base?: HistoryBase,
): Encoded => write(state, [{ type: "session_meta", payload: encodeMeta(meta, base) }], nowMs);

/** A later word on the thread itself: its first line again, with another repository. */
export interface MetaChanged {
  readonly kind: "metaChanged";
  readonly first: Json;
  readonly gitInfo: GitInfo | null;
}

/** The last turns are as if they had never been; they stay in the file. */
export interface TurnsTakenBack {
  readonly kind: "turnsTakenBack";
  readonly count: number;
}

/** What a writer takes: the thread's history, and words on the thread. */
export type WrittenEvent = HistoryEvent | MetaChanged | TurnsTakenBack;

const seconds = (ms: number): number => Math.floor(ms / 1000);

const started = (turnId: string, startedAtMs: number): Draft =>
  event({
    type: "task_started",
    turn_attribution: {
      turn_id: turnId,
      turn_trigger: null,
      parent_turn_id: null,
      initiating_agent_path: null,
      root_turn_id: turnId,
    },
    turn_id: turnId,
    root_turn_id: turnId,
    started_at: seconds(startedAtMs),
    model_context_window: null,
    collaboration_mode_kind: "default",
  });

const encodeError = (error: TurnError): Json => ({
  message: error.message,
  codex_error_info: snakeValue(error.codexErrorInfo),
  ...(error.additionalDetails === null ? {} : { additional_details: error.additionalDetails }),
});

const unknownFailure: TurnError = {
  message: "the turn failed",
  codexErrorInfo: "other",
  additionalDetails: null,
  misalignment: null,
};

function ended(entry: HistoryEvent & { kind: "turnEnded" }, error: TurnError | null): Draft {
  const { turnId, status } = entry;
  const times = {
    started_at: seconds(entry.startedAtMs),
    completed_at: seconds(entry.completedAtMs),
    duration_ms: Math.max(0, Math.round(entry.completedAtMs - entry.startedAtMs)),
  };
  const ids = { root_turn_id: turnId, turn_id: turnId };
  if (status === "interrupted") {
    return event({ type: "turn_aborted", ...ids, reason: "interrupted", ...times });
  }
  return event({
    type: "task_complete",
    ...ids,
    last_agent_message: entry.lastAgentMessage,
    ...(status === "failed" ? { error: encodeError(error ?? unknownFailure) } : {}),
    ...times,
  });
}

function itemLines(
  state: EncoderState,
  entry: HistoryEvent & { kind: "itemCompleted" },
  nowMs: number,
): Draft[] {
  const { item, turnId } = entry;
  if (state.form === "legacy") return encodeLegacyItem(turnId, item).map(event);
  const completedAtMs = item.completedAtMs ?? nowMs;
  return [
    event({
      type: "item_completed",
      thread_id: state.threadId,
      turn_id: turnId,
      item: encodeItem(item),
      started_at_ms: item.startedAtMs ?? completedAtMs,
      completed_at_ms: completedAtMs,
    }),
  ];
}

const modelItem = (item: ModelItem, turnId: TurnId | null): Json =>
  turnId === null
    ? item
    : { ...item, internal_chat_message_metadata_passthrough: { turn_id: turnId } };

/** The lines of one event, and what the next one has to know. */
function encodeEvent(
  state: EncoderState,
  entry: WrittenEvent,
  nowMs: number,
): [Draft[], EncoderState] {
  switch (entry.kind) {
    case "turnStarted":
      return [[started(entry.turnId, entry.startedAtMs)], { ...state, error: null }];
    case "turnSettings": {
      const settings = JSON.stringify(entry.settings);
      const context: Draft = {
        type: "turn_context",
        payload: encodeTurnContext(entry.turnId, entry.settings),
      };
      if (settings === state.settings) return [[context], state];
      const applied = event(encodeSettingsApplied(state.threadId, entry.settings));
      return [[context, applied], { ...state, settings }];
    }
    case "settings": {
      const settings = JSON.stringify(entry.settings);
      if (settings === state.settings) return [[], state];
      const applied = event(encodeSettingsApplied(state.threadId, entry.settings));
      return [[applied], { ...state, settings }];
    }
    case "modelItem":
      return [[{ type: "response_item", payload: modelItem(entry.item, entry.turnId) }], state];
    case "compacted": {
      const items = entry.items.map((item) => modelItem(item, entry.turnId));
      const payload = { message: entry.summary, replacement_history: items };
      return [[{ type: "compacted", payload }], state];
    }
    case "itemCompleted":
      return [itemLines(state, entry, nowMs), state];
    case "tokenUsage":
      return [[event(encodeTokenCount(entry.usage))], state];
    case "turnError":
      return [
        [event({ type: "error", ...encodeError(entry.error) })],
        { ...state, error: entry.error },
      ];
    case "turnEnded":
      return [[ended(entry, state.error)], { ...state, error: null }];
    case "turnsTakenBack":
      return [[event({ type: "thread_rolled_back", num_turns: entry.count })], state];
    case "metaChanged": {
      const payload = { ...entry.first, git: encodeKnownGit(entry.gitInfo) };
      return [[{ type: "session_meta", payload }], state];
    }
    default:
      return unreachable(entry);
  }
}

/** `nowMs` dates the lines. */
export function encodeEvents(
  state: EncoderState,
  events: readonly WrittenEvent[],
  nowMs: number,
): Encoded {
  const drafts: Draft[] = [];
  let after = state;
  for (const entry of events) {
    const [more, next] = encodeEvent(after, entry, nowMs);
    drafts.push(...more);
    after = next;
  }
  const { lines, state: written } = write(state, drafts, nowMs);
  return { lines, state: { ...after, nextOrdinal: written.nextOrdinal } };
}
