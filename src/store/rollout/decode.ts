/**
 * The lines of a rollout, in either form, folded into a thread's past. Lines of an unknown kind and
 * torn ones are passed over; they stay in the file.
 */
import { TurnId } from "../../protocol/ids.ts";
import type { ThreadItem } from "../../protocol/item.ts";
import type { ModelItem } from "../../protocol/model-item.ts";
import type { ThreadTokenUsage, Turn, TurnError } from "../../protocol/turn.ts";
import type { ThreadMeta, TurnSettings } from "../port.ts";
import { decodeItem } from "./item-coding.ts";
import { LatestLine } from "./latest-line.ts";
import { decodeLegacyItem } from "./legacy-coding.ts";
import { camelValue, isRecord, listOf, numberOf, parseRecord, textOf } from "./members.ts";
import type { Json } from "./members.ts";
import { decodeMeta } from "./meta-coding.ts";
import { decodeTurnContext, providerOf, withSettingsApplied } from "./settings-coding.ts";
import { decodeTokenCount } from "./usage-coding.ts";

/** A history without the row that the index holds of it. */
export interface DecodedHistory {
  /** The first `session_meta`; undefined in a file that has none. */
  readonly meta: ThreadMeta | undefined;
  readonly turns: readonly Turn[];
  readonly modelItems: readonly ModelItem[];
  readonly settings: TurnSettings | null;
  readonly usage: ThreadTokenUsage | null;
  readonly usageTurnId: TurnId | null;
}

interface OpenTurn {
  readonly id: TurnId;
  /** Begun by what was said, as the oldest files have it, and not by an event. */
  readonly isImplicit: boolean;
  rootTurnId: string | null;
  readonly items: ThreadItem[];
  /** What the model was sent before it, and how much of that; a compaction begins another list. */
  readonly modelItems: readonly ModelItem[];
  modelItemsBefore: number;
  status: Turn["status"];
  error: TurnError | null;
  startedAt: number | null;
  completedAt: number | null;
  durationMs: number | null;
}

/** What a line is, from its first bytes: most of a big file never needs parsing. */
const lineType =
  /^\{"timestamp":"[^"]*",(?:"ordinal":\d+,)?"type":"(?<type>\w+)"(?:,"payload":\{"type":"(?<event>\w+)")?/;
const passedOver = new Set(["world_state", "token_usage_record", "inter_agent_communication"]);

/** What the stock program keeps and nothing is made of here; other kinds, and errors, are not counted among the lines. */
const keptEvents =
  /^(?:warning|item_started|mcp_tool_call_\w+|web_search_\w+|dynamic_tool_call_\w+|image_generation_\w+|(?:entered|exited)_review_mode|undo_\w+|thread_(?:name|goal)_updated|collab_\w+|sub_agent_\w+|exec_command_\w+|patch_apply_\w+|plan_\w+)$/;

export class RolloutDecoder {
  #meta: ThreadMeta | undefined;
  readonly #turns: OpenTurn[] = [];
  readonly #byId = new Map<string, OpenTurn>();
  #current: OpenTurn | undefined;
  #modelItems: ModelItem[] = [];
  /** Of these only the last one counts. */
  readonly #contexts = new LatestLine();
  readonly #applied = new LatestLine();
  readonly #tokenCounts = new LatestLine();
  /** Without the lines of which nothing is known: by their places turns without an id are named. */
  #lines = 0;
  #legacyItems = 0;

  /** One line, in file order, without its end. */
  add(line: string): void {
    if (this.#take(line)) this.#lines += 1;
  }

  /** Whether it is a line of a known kind. */
  #take(line: string): boolean {
    const { type, event } = lineType.exec(line)?.groups ?? {};
    if (type !== undefined && passedOver.has(type)) return true;
    if (type === "turn_context") {
      this.#contexts.add(line, null, this.#lines);
      return true;
    }
    if (event === "thread_settings_applied") {
      this.#applied.add(line, null, this.#lines);
      return true;
    }
    if (event === "token_count") {
      if (!line.includes('"info":null')) {
        this.#tokenCounts.add(line, this.#current?.id ?? this.#turns.at(-1)?.id ?? null);
      }
      return true;
    }
    const record = parseRecord(line);
    return record !== undefined && this.#apply(record, line);
  }

  /** The turn that began last, of those that were not taken back. */
  get latestTurnId(): TurnId | undefined {
    return this.#turns.at(-1)?.id;
  }

  /** Whether a turn has begun and not ended. */
  isOpen(id: TurnId): boolean {
    return this.#byId.get(id)?.status === "inProgress";
  }

  /** A turn without an end reads `interrupted`. More lines may follow: what was given stays as it is. */
  finish(): DecodedHistory {
    const context = this.#contexts.parsed();
    const count = this.#tokenCounts.parsed();
    const usage = count && decodeTokenCount(count.payload);
    return {
      meta: this.#meta,
      turns: this.#turns.map(closedTurn),
      modelItems: [...this.#modelItems],
      settings: this.#settings(context),
      usage: usage ?? null,
      usageTurnId: usage === undefined ? null : (count?.turnId ?? null),
    };
  }

  /** Those in force at the end: a `turn_context` names no provider, and a change may have come after it. */
  #settings(
    context: { readonly payload: Json; readonly at: number } | undefined,
  ): TurnSettings | null {
    const applied = this.#applied.parsed();
    if (context === undefined && applied === undefined) return null;
    const provider = providerOf(applied?.payload ?? {}) ?? this.#meta?.modelProvider ?? "";
    const settings = decodeTurnContext(context?.payload ?? {}, provider, applied?.payload);
    return applied && applied.at > (context?.at ?? -1)
      ? withSettingsApplied(settings, applied.payload)
      : settings;
  }

  #apply(record: Json, line: string): boolean {
    const payload = record["payload"];
    if (!isRecord(payload)) return false;
    const { type } = record;
    switch (type) {
      case "session_meta":
        this.#addMeta(decodeMeta(payload, Date.parse(textOf(record["timestamp"]) ?? "") || 0));
        return true;
      case "turn_context":
        this.#contexts.add(line, null, this.#lines);
        return true;
      case "response_item":
        this.#addModelItem(payload);
        return true;
      case "compacted":
        this.#compact(payload);
        return true;
      case "event_msg":
        return this.#applyEvent(payload, line);
      default:
        return typeof type === "string" && passedOver.has(type);
    }
  }

  /** The thread's own first line; a later one may tell of another repository, one of another thread counts for nothing. */
  #addMeta(meta: ThreadMeta | undefined): void {
    if (this.#meta === undefined) this.#meta = meta;
    else if (meta?.id === this.#meta.id) this.#meta = { ...this.#meta, gitInfo: meta.gitInfo };
  }

  #addModelItem(payload: Json): void {
    const { internal_chat_message_metadata_passthrough: _, ...members } = payload;
    const type = textOf(members["type"]);
    if (type !== null) this.#modelItems.push({ ...members, type });
  }

  /** The conversation so far gives way to what a compaction made of it. */
  #compact(payload: Json): void {
    if (!Array.isArray(payload["replacement_history"])) return;
    this.#modelItems = [];
    for (const item of listOf(payload["replacement_history"])) {
      if (isRecord(item)) this.#addModelItem(item);
    }
  }

  /** A turn's events without its id are of no known kind; only the end of one that was cut short never had it. */
  #applyEvent(event: Json, line: string): boolean {
    const type = textOf(event["type"]) ?? "";
    const id = textOf(event["turn_id"]);
    if (type === "turn_aborted") this.#end(event, "interrupted");
    else if (/^(?:task|turn)_(?:started|complete)$/.test(type)) {
      if (id === null) return false;
      if (type.endsWith("started")) this.#start(event, id);
      else this.#complete(event);
    } else if (type === "item_completed") this.#addItem(event);
    else if (type === "error") this.#fail(event);
    else if (type === "thread_rolled_back") return this.#rollBack(numberOf(event["num_turns"]));
    else if (type === "thread_settings_applied") this.#applied.add(line, null, this.#lines);
    else if (type === "token_count") {
      this.#tokenCounts.add(line, this.#current?.id ?? null);
    } else return this.#addLegacyItem(event) || keptEvents.test(type);
    return type !== "error";
  }

  #start(event: Json, id: string): void {
    const turn = this.#turn(id);
    turn.rootTurnId = textOf(event["root_turn_id"]);
    turn.startedAt = numberOf(event["started_at"]);
    this.#current = turn;
  }

  #turn(id: string, isImplicit = false): OpenTurn {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const turn: OpenTurn = {
      id: TurnId.parse(id),
      isImplicit,
      rootTurnId: null,
      items: [],
      modelItems: this.#modelItems,
      modelItemsBefore: this.#modelItems.length,
      status: "inProgress",
      error: null,
      startedAt: null,
      completedAt: null,
      durationMs: null,
    };
    this.#turns.push(turn);
    this.#byId.set(id, turn);
    return turn;
  }

  #complete(event: Json): void {
    const turn = this.#end(event, "completed");
    if (turn === undefined) return;
    if (isRecord(event["error"])) turn.error = decodeError(event["error"]);
    if (turn.error !== null) turn.status = "failed";
  }

  #end(event: Json, status: Turn["status"]): OpenTurn | undefined {
    const id = textOf(event["turn_id"]);
    const turn = id === null ? this.#current : this.#byId.get(id);
    this.#current = undefined;
    if (turn === undefined) return undefined;
    turn.status = status;
    turn.rootTurnId = textOf(event["root_turn_id"]) ?? turn.rootTurnId;
    turn.startedAt = numberOf(event["started_at"]) ?? turn.startedAt;
    turn.completedAt = numberOf(event["completed_at"]);
    turn.durationMs = numberOf(event["duration_ms"]);
    return turn;
  }

  #addItem(event: Json): void {
    const item = decodeItem(event);
    const id = textOf(event["turn_id"]);
    if (item === undefined || id === null) return;
    const { items } = this.#turn(id);
    const at = items.findLastIndex((earlier) => earlier.id === item.id);
    if (at === -1) items.push(item);
    else items[at] = item;
  }

  #fail(event: Json): void {
    const turn = this.#current;
    if (turn && !turn.isImplicit) turn.error = decodeError(event);
  }

  #addLegacyItem(event: Json): boolean {
    const named = this.#byId.get(textOf(event["turn_id"]) ?? "");
    const turn = named ?? this.#current;
    const decoded = decodeLegacyItem(
      event,
      turn?.items.at(-1),
      () => `item-${++this.#legacyItems}`,
    );
    if (decoded === undefined) return false;
    const isQuestion = event["type"] === "user_message";
    const goesOn = turn && !(isQuestion && turn.isImplicit);
    const { items } = goesOn ? turn : this.#implicitTurn(isQuestion);
    if (decoded.replacesLast) items.pop();
    items.push(decoded.item);
    return true;
  }

  /** The oldest files have no turn events: there a message from a person begins one, or whatever comes between turns. */
  #implicitTurn(isQuestion: boolean): OpenTurn {
    const turn = this.#turn(`rollout-${this.#lines}`, true);
    turn.status = "completed";
    // The message was written for the model first.
    if (isQuestion && this.#modelItems.at(-1)?.["role"] === "user") turn.modelItemsBefore -= 1;
    this.#current = turn;
    return turn;
  }

  /** Items without an id are numbered among those that are left. */
  #rollBack(count: number | null): boolean {
    if (count === null) return false;
    const taken = count > 0 ? this.#turns.splice(-count) : [];
    for (const { id } of taken) this.#byId.delete(id);
    const [first] = taken;
    if (first) this.#modelItems = first.modelItems.slice(0, first.modelItemsBefore);
    this.#legacyItems = this.#turns.reduce((sum, { items }) => sum + items.length, 0);
    this.#current = undefined;
    return true;
  }
}

/** Whether a turn has no id in its file. */
export const isImplicit = (id: TurnId): boolean => /^rollout-\d+$/.test(id);

const decodeError = (stored: Json): TurnError => {
  const info = camelValue(stored["codex_error_info"] ?? null);
  return {
    message: textOf(stored["message"]) ?? "",
    codexErrorInfo: typeof info === "string" || isRecord(info) ? info : null,
    additionalDetails: textOf(stored["additional_details"]),
    misalignment: null,
  };
};

const closedTurn = (turn: OpenTurn): Turn => ({
  id: turn.id,
  rootTurnId: turn.rootTurnId,
  // A copy: more lines may be added after this.
  items: [...turn.items],
  itemsView: "full",
  status: turn.status === "inProgress" ? "interrupted" : turn.status,
  error: turn.error,
  startedAt: turn.startedAt,
  completedAt: turn.completedAt,
  durationMs: turn.durationMs,
});
