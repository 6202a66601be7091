import { isDeepStrictEqual } from "node:util";
import type { Publisher, StreamPosition } from "../events/port.ts";
import { sameProfile } from "../permissions/profile-algebra.ts";
import type { DynamicTool } from "../protocol/dynamic-tools.ts";
import type { ThreadId, TurnId } from "../protocol/ids.ts";
import type { ModelItem } from "../protocol/model-item.ts";
import { threadStatusChanged } from "../protocol/thread-notifications.ts";
import type { GitInfo } from "../protocol/thread.ts";
import type { AdditionalPermissions } from "../protocol/permission-profile.ts";
import type { ThreadTokenUsage, Turn } from "../protocol/turn.ts";
import type { HistoryEvent, ThreadMeta, ThreadWriter } from "../store/port.ts";
import type { SaidContext } from "./additional-context.ts";
import type { GoalTools } from "../tools/port.ts";
import { NetworkAnswers } from "./network-answers.ts";
import type { ThreadSettings } from "./settings.ts";
import type { ThreadEvent, ThreadState } from "./thread-state.ts";
import { nextThreadState, statusOf } from "./thread-state.ts";
import type { TurnRunner } from "./turn-runner.ts";

/** What a thread in memory begins with: nothing, or its past. */
export interface ThreadPast {
  readonly turns: readonly Turn[];
  readonly modelItems: readonly ModelItem[];
  readonly usage: ThreadTokenUsage | null;
  readonly usageTurnId: TurnId | null;
  readonly preview: string;
  readonly name: string | null;
  readonly updatedAtMs: number;
  readonly recencyAtMs: number;
}

export const noPast = (nowMs: number): ThreadPast => ({
  turns: [],
  modelItems: [],
  usage: null,
  usageTurnId: null,
  preview: "",
  name: null,
  updatedAtMs: nowMs,
  recencyAtMs: nowMs,
});

/** A preview is the beginning of the first thing that a person wrote. */
const maxPreviewChars = 2_000;

/** A thread in memory: its settings, its past, and the turn that runs. */
export class LoadedThread {
  readonly meta: ThreadMeta;
  readonly ephemeral: boolean;
  /** How long it stays in memory while nobody needs it there. */
  readonly unloadDelayMs: number;
  readonly path: string | null;
  /** Where AGENTS.md files were found. */
  instructionSources: readonly string[];
  gitInfo: GitInfo | null;
  /** What people granted on top of its permissions, for as long as these stay. */
  granted: AdditionalPermissions = {};
  preview: string;
  name: string | null;
  updatedAtMs: number;
  recencyAtMs: number;
  usage: ThreadTokenUsage | null;
  usageTurnId: TurnId | null;
  /** The folder that the model was last told of. */
  contextCwd: string | undefined;
  /** What clients said beside people's words the last time. */
  saidContext: SaidContext = new Map();
  /** Turns that ended, oldest first. */
  readonly turns: Turn[];
  readonly modelItems: ModelItem[];
  /** Commands and patches that a person accepted for the life of the thread. */
  readonly accepted = new Set<string>();
  /** What people said of hosts that its commands wanted to reach. */
  readonly network = new NetworkAnswers();
  active: TurnRunner | undefined;
  /** What the model may do with the thread's goal; undefined: the thread can have none. */
  goalTools: (() => GoalTools | undefined) | undefined;
  /** Called when a turn is stored, and nobody was told yet. */
  onTurnBegun: ((turnId: TurnId) => void) | undefined;
  /** Called when a tool ran. Never rejects; what it gives is for the model. */
  onToolRan: (() => Promise<ModelItem | undefined>) | undefined;
  /** Called with a turn whose end is stored. Never rejects; what it gives tells the clients, just before they hear of the end. */
  onStoredEnd: ((turn: Turn) => Promise<() => void>) | undefined;
  /** Called when clients were told how a turn ended. */
  onTurnEnd: ((how: "ended" | "interrupted") => void) | undefined;
  /** Tells the clients of a turn that has ended without their knowing yet. */
  unannounced: (() => void) | undefined;
  readonly #writer: ThreadWriter;
  readonly #publisher: Publisher;
  #state: ThreadState = { kind: "idle" };
  #stored: boolean;
  #settings: ThreadSettings;

  constructor(
    meta: ThreadMeta,
    options: {
      readonly settings: ThreadSettings;
      readonly past: ThreadPast;
      readonly writer: ThreadWriter;
      readonly publisher: Publisher;
      readonly path: string | null;
      readonly ephemeral: boolean;
      readonly stored: boolean;
      readonly instructionSources: readonly string[];
      readonly unloadDelayMs: number;
    },
  ) {
    const { past } = options;
    this.meta = meta;
    this.gitInfo = meta.gitInfo;
    this.#settings = options.settings;
    this.ephemeral = options.ephemeral;
    this.path = options.path;
    this.unloadDelayMs = options.unloadDelayMs;
    this.preview = past.preview;
    this.name = past.name;
    this.updatedAtMs = past.updatedAtMs;
    this.recencyAtMs = past.recencyAtMs;
    this.usage = past.usage;
    this.usageTurnId = past.usageTurnId;
    this.turns = [...past.turns];
    this.modelItems = [...past.modelItems];
    this.#writer = options.writer;
    this.#publisher = options.publisher;
    this.#stored = options.stored;
    this.instructionSources = options.instructionSources;
    this.contextCwd = past.modelItems.length > 0 ? options.settings.cwd : undefined;
  }

  get id(): ThreadId {
    return this.meta.id;
  }

  get settings(): ThreadSettings {
    return this.#settings;
  }

  /** Who chooses other permissions takes back what was granted on top of the ones before, and what was accepted under them. */
  set settings(settings: ThreadSettings) {
    const before = this.#settings;
    const isSame = sameProfile(settings.permissionProfile, before.permissionProfile);
    if (!isSame) this.granted = {};
    if (!isSame || !isDeepStrictEqual(settings.approvalPolicy, before.approvalPolicy))
      this.accepted.clear();
    this.#settings = settings;
  }

  /** Tools that a client offers the agent. */
  get dynamicTools(): readonly DynamicTool[] {
    return this.meta.dynamicTools ?? [];
  }

  get state(): ThreadState {
    return this.#state;
  }

  /** Whether the store knows it; false before the first turn. */
  get stored(): boolean {
    return this.#stored;
  }

  /** Keeps the events; only then may they be announced. Model items join the conversation. */
  async append(events: readonly HistoryEvent[]): Promise<void> {
    await this.#writer.append(events);
    this.#stored = true;
    this.updatedAtMs = Date.now();
    for (const event of events) {
      if (event.kind === "modelItem") this.modelItems.push(event.item);
      if (event.kind === "compacted") this.modelItems.splice(0, Infinity, ...event.items);
      if (
        event.kind === "itemCompleted" &&
        event.item.type === "userMessage" &&
        !this.preview &&
        !this.ephemeral
      ) {
        const [first] = event.item.content;
        this.preview = first?.type === "text" ? first.text.slice(0, maxPreviewChars) : "[Image]";
      }
    }
  }

  /** Makes the store know a thread in which nothing was said yet. */
  async materialise(): Promise<void> {
    if (!this.stored && !this.ephemeral) await this.append([]);
  }

  /** Moves the status on and tells everybody. */
  transition(event: ThreadEvent): void {
    const next = nextThreadState(this.#state, event);
    if (!next) return;
    this.#state = next;
    this.#publisher.publish(threadStatusChanged, {
      threadId: this.id,
      status: statusOf(next),
    });
  }

  /** All turns, with the running one as far as it is and was announced: what comes later comes as events. */
  snapshot(): readonly Turn[] {
    return this.active?.isBegun ? [...this.turns, this.active.snapshot()] : this.turns;
  }

  /** Where its events are. */
  position(): StreamPosition {
    return this.#publisher.position(this.id);
  }

  close(): Promise<void> {
    return this.#writer.close();
  }
}
