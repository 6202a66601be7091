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
  #lines = 0;
  #legacyItems = 0;
  #implicitTurns = 0;

  /** One line, in file order, without its end. */
  add(line: string): void {
    this.#lines += 1;
    const { type, event } = lineType.exec(line)?.groups ?? {};
    if (type !== undefined && passedOver.has(type)) return;
    if (type === "turn_context") {
      this.#contexts.add(line, null, this.#lines);
      return;
    }
    if (event === "thread_settings_applied") {
      this.#applied.add(line, null, this.#lines);
      return;
    }
    if (event === "token_count") {
      if (!line.includes('"info":null')) {
        this.#tokenCounts.add(line, this.#current?.id ?? this.#turns.at(-1)?.id ?? null);
      }
      return;
    }
    const record = parseRecord(line);
    if (record !== undefined) this.#apply(record, line);
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
    const settings = decodeTurnContext(context?.payload ?? {}, provider);
    return applied && applied.at > (context?.at ?? 0)
      ? withSettingsApplied(settings, applied.payload)
      : settings;
  }

  #apply(record: Json, line: string): void {
    const payload = record["payload"];
    if (!isRecord(payload)) return;
    switch (record["type"]) {
      case "session_meta":
        this.#addMeta(decodeMeta(payload, Date.parse(textOf(record["timestamp"]) ?? "") || 0));
        return;
      case "turn_context":
        this.#contexts.add(line, null, this.#lines);
        return;
      case "response_item":
        this.#addModelItem(payload);
        return;
      case "compacted":
        this.#compact(payload);
        return;
      case "event_msg":
        this.#applyEvent(payload, line);
        return;
      default:
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

  #applyEvent(event: Json, line: string): void {
    const type = textOf(event["type"]);
    if (type === "task_started" || type === "turn_started") this.#start(event);
    else if (type === "task_complete" || type === "turn_complete") this.#complete(event);
    else if (type === "turn_aborted") this.#end(event, "interrupted");
    else if (type === "item_completed") this.#addItem(event);
    else if (type === "error") this.#fail(event);
    else if (type === "thread_rolled_back") this.#rollBack(numberOf(event["num_turns"]) ?? 0);
    else if (type === "thread_settings_applied") this.#applied.add(line, null, this.#lines);
    else if (type === "token_count") {
      this.#tokenCounts.add(line, this.#current?.id ?? null);
    } else this.#addLegacyItem(event);
  }

  #start(event: Json): void {
    const turn = this.#turn(textOf(event["turn_id"]) ?? this.#implicitId());
    turn.rootTurnId = textOf(event["root_turn_id"]);
    turn.startedAt = numberOf(event["started_at"]);
    this.#current = turn;
  }

  #turn(id: string): OpenTurn {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const turn: OpenTurn = {
      id: TurnId.parse(id),
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
    const turn = id === null ? (this.#current ?? this.#turns.at(-1)) : this.#byId.get(id);
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
    if (this.#current !== undefined) this.#current.error = decodeError(event);
  }

  #addLegacyItem(event: Json): void {
    const turn = this.#current ?? this.#turns.at(-1);
    const decoded = decodeLegacyItem(
      event,
      turn?.items.at(-1),
      () => `item-${++this.#legacyItems}`,
    );
    if (decoded === undefined) return;
    const fresh = this.#current === undefined && event["type"] === "user_message";
    const target = fresh || turn === undefined ? this.#implicitTurn() : turn;
    if (decoded.replacesLast) target.items.pop();
    target.items.push(decoded.item);
  }

  /** The oldest files have no turn events: there a message from a person begins one. */
  #implicitTurn(): OpenTurn {
    const turn = this.#turn(this.#implicitId());
    turn.status = "completed";
    // The message was written for the model first.
    if (this.#modelItems.at(-1)?.["role"] === "user") turn.modelItemsBefore -= 1;
    return turn;
  }

  /** Turns of the oldest files are numbered; a number is not given twice, not even after a rollback. */
  #implicitId(): string {
    this.#implicitTurns += 1;
    return `turn-${this.#implicitTurns}`;
  }

  #rollBack(count: number): void {
    if (count <= 0) return;
    const taken = this.#turns.splice(-count);
    for (const { id } of taken) this.#byId.delete(id);
    const [first] = taken;
    if (first) this.#modelItems = first.modelItems.slice(0, first.modelItemsBefore);
  }
}

/** Whether a turn has no id in its file. */
export const isImplicit = (id: TurnId): boolean => /^turn-\d+$/.test(id);

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
  rootTurnId: turn.rootTurnId ?? turn.id,
  // A copy: more lines may be added after this.
  items: [...turn.items],
  itemsView: "full",
  status: turn.status === "inProgress" ? "interrupted" : turn.status,
  error: turn.error,
  startedAt: turn.startedAt,
  completedAt: turn.completedAt,
  durationMs: turn.durationMs,
});
