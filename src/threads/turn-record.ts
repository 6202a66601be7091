import type { ModelOutcome } from "../model/port.ts";
import type { Publisher } from "../events/port.ts";
import type { TurnId } from "../protocol/ids.ts";
import type { ThreadItem } from "../protocol/item.ts";
import type { ModelItem } from "../protocol/model-item.ts";
import { itemCompleted, itemStarted } from "../protocol/item-notifications.ts";
import {
  threadTokenUsageUpdated,
  turnCompleted,
  turnErrored,
  turnStarted,
} from "../protocol/turn-notifications.ts";
import type { ThreadTokenUsage, Turn, TurnError } from "../protocol/turn.ts";
import type { HistoryEvent } from "../store/port.ts";
import type { Deferred } from "../util/deferred.ts";
import { deferred } from "../util/deferred.ts";
import { contextNews } from "./additional-context.ts";
import { abortedItem } from "./instructions.ts";
import { userMessageItem } from "./items.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import { userMessageForModel } from "./model-input.ts";
import { OpenItems } from "./open-items.ts";
import type { PersonsWords } from "./port.ts";
import { addUsage, summaryOf } from "./turn-end.ts";
import type { ThreadSettings } from "./settings.ts";
import type { TurnEvent, TurnState } from "./turn-state.ts";
import { isRunning, nextTurnState } from "./turn-state.ts";

/** What a turn is, keeps and tells: everything is stored first and announced then. */
export class TurnRecord {
  readonly id: TurnId;
  readonly thread: LoadedThread;
  /** The settings in force when the turn began; later changes are for later turns. */
  readonly settings: ThreadSettings;
  readonly open: OpenItems;
  /** The item that the model is writing, if any. */
  partial: () => ThreadItem | undefined = () => undefined;
  readonly #publisher: Publisher;
  readonly #startedAtMs = Date.now();
  readonly #items: ThreadItem[] = [];
  /** Stored, and to be announced after the answer to whom they come from, or behind such ones. */
  readonly #unannounced = new Set<ThreadItem>();
  /** While there are people's words that are stored and not announced: resolves when they are. */
  #wordsTold: Deferred<void> | undefined;
  #state: TurnState = { kind: "sampling" };
  #completedAtMs: number | null = null;
  #endAnnounced = false;
  #tellBeforeEnd: () => void = () => {};

  constructor(thread: LoadedThread, publisher: Publisher, id: TurnId) {
    this.id = id;
    this.thread = thread;
    this.settings = thread.settings;
    this.#publisher = publisher;
    this.open = new OpenItems(publisher, { threadId: thread.id, turnId: this.id });
  }

  get running(): boolean {
    return isRunning(this.#state);
  }

  apply(event: TurnEvent): void {
    this.#state = nextTurnState(this.#state, event) ?? this.#state;
  }

  /** What turn/start answers: a turn that has not begun to work. */
  opening(): Turn {
    return { ...this.#turn(), startedAt: null };
  }

  /** The turn with everything that was announced so far, also what is half written. */
  snapshot(): Turn {
    const partial = this.partial();
    const told = this.#items.filter((item) => !this.#unannounced.has(item));
    const items = [...told, ...(partial ? [partial] : []), ...this.open.snapshot()];
    return { ...this.#turn(), items, itemsView: "full" };
  }

  modelEvent(item: ModelItem): HistoryEvent {
    return { kind: "modelItem", turnId: this.id, item };
  }

  startEvent(): HistoryEvent {
    return { kind: "turnStarted", turnId: this.id, startedAtMs: this.#startedAtMs };
  }

  /** Stores what a person wrote, behind `before`; the items are still to be announced. */
  async storeInput(
    { input, clientId, context = [] }: PersonsWords,
    before: readonly HistoryEvent[],
  ): Promise<readonly ThreadItem[]> {
    const { items: news, said } = contextNews(this.thread.saidContext, context);
    const events = [...before, ...news.map((item) => this.modelEvent(item))];
    const items: ThreadItem[] = [];
    if (input.length > 0) {
      const item = userMessageItem(input, clientId, Date.now());
      events.push(this.modelEvent(await userMessageForModel(input, this.settings.cwd)));
      events.push({ kind: "itemCompleted", turnId: this.id, item });
      items.push(item);
    }
    await this.thread.append(events);
    this.thread.saidContext = said;
    this.#items.push(...items);
    this.#holdBack(items);
    return items;
  }

  /** What the model said or was answered. */
  remember(item: ModelItem): Promise<void> {
    return this.thread.append([this.modelEvent(item)]);
  }

  async complete(item: ThreadItem): Promise<void> {
    await this.thread.append([{ kind: "itemCompleted", turnId: this.id, item }]);
    this.open.end(item.id);
    this.#items.push(item);
    if (!this.running) this.#amendPast();
    await this.#behindWords(item);
    this.#announceCompleted(item);
  }

  /** The conversation so far gives way to `items`; `summary` says what was in it. */
  compact(summary: string, items: readonly ModelItem[]): Promise<void> {
    return this.thread.append([{ kind: "compacted", turnId: this.id, summary, items }]);
  }

  count({ usage }: ModelOutcome, contextWindow: number): Promise<void> {
    return this.tellUsage(addUsage(this.thread.usage, usage, contextWindow));
  }

  async tellUsage(tokenUsage: ThreadTokenUsage): Promise<void> {
    const { thread } = this;
    await thread.append([{ kind: "tokenUsage", turnId: this.id, usage: tokenUsage }]);
    thread.usage = tokenUsage;
    thread.usageTurnId = this.id;
    this.#publisher.publish(threadTokenUsageUpdated, { ...this.#ids(), tokenUsage });
  }

  /** Stores how the turn ended; from here on it is one of the thread's past turns. */
  async storeEnd(): Promise<void> {
    this.partial = () => undefined;
    const completedAtMs = Date.now();
    this.#completedAtMs = completedAtMs;
    const { kind } = this.#state;
    const events: HistoryEvent[] = [];
    if (kind === "interrupted") events.push(this.modelEvent(abortedItem));
    if (this.#state.kind === "failed") {
      events.push({ kind: "turnError", turnId: this.id, error: this.#state.error });
    }
    events.push({
      kind: "turnEnded",
      turnId: this.id,
      status: kind === "interrupted" || kind === "failed" ? kind : "completed",
      startedAtMs: this.#startedAtMs,
      completedAtMs,
      lastAgentMessage: this.#lastWords(),
    });
    try {
      await this.thread.append(events);
      this.#tellBeforeEnd = (await this.thread.onStoredEnd?.(this.#withItems())) ?? (() => {});
    } finally {
      this.thread.turns.push(this.#withItems());
      this.thread.active = undefined;
      this.thread.unannounced = () => this.announceEnd();
    }
  }

  /** The turn never was. */
  discard(): void {
    this.apply({ kind: "interrupt" });
    this.#endAnnounced = true;
    this.thread.active = undefined;
  }

  announceStart(firstItems: readonly ThreadItem[]): void {
    this.thread.transition({ kind: "turnStarted" });
    this.#publisher.publish(turnStarted, { threadId: this.thread.id, turn: this.#turn() });
    this.announceInput(firstItems);
  }

  announceInput(items: readonly ThreadItem[]): void {
    for (const item of items) {
      this.#unannounced.delete(item);
      this.#publisher.publish(itemStarted, {
        item: { ...item, completedAtMs: null },
        ...this.#ids(),
        startedAtMs: item.startedAtMs ?? this.#startedAtMs,
      });
      this.#announceCompleted(item);
    }
    if (items.length === 0) return;
    this.#wordsTold?.resolve();
    this.#wordsTold = undefined;
  }

  announceError(error: TurnError, willRetry: boolean): void {
    this.#publisher.publish(turnErrored, { error, willRetry, ...this.#ids() });
  }

  /** Tells the clients how the turn ended; once, however often it is called. */
  announceEnd(): void {
    if (this.#endAnnounced) return;
    this.#endAnnounced = true;
    this.thread.unannounced = undefined;
    const failed = this.#state.kind === "failed" ? this.#state.error : undefined;
    if (!failed) this.#tellBeforeEnd();
    this.thread.transition({ kind: failed ? "turnFailed" : "turnEnded" });
    if (failed) {
      this.announceError(failed, false);
      this.#tellBeforeEnd();
    }
    this.#publisher.publish(turnCompleted, {
      threadId: this.thread.id,
      turn: summaryOf(this.#withItems()),
    });
    this.thread.onTurnEnd?.(this.#state.kind === "interrupted" ? "interrupted" : "ended");
  }

  #holdBack(words: readonly ThreadItem[]): void {
    if (words.length === 0) return;
    for (const item of words) this.#unannounced.add(item);
    this.#wordsTold = deferred();
  }

  /** Clients hear of items in the order in which they are stored. */
  async #behindWords(item: ThreadItem): Promise<void> {
    if (this.#wordsTold === undefined) return;
    this.#unannounced.add(item);
    await this.#wordsTold.promise;
    this.#unannounced.delete(item);
  }

  /** A command that outlived its turn is done: the past turn gets its item. */
  #amendPast(): void {
    const { turns } = this.thread;
    const index = turns.findIndex(({ id }) => id === this.id);
    if (index >= 0) turns[index] = this.#withItems();
  }

  #announceCompleted(item: ThreadItem): void {
    this.#publisher.publish(itemCompleted, {
      item,
      ...this.#ids(),
      contentTokenCount: null,
      completedAtMs: item.completedAtMs ?? Date.now(),
    });
  }

  #lastWords(): string | null {
    const last = this.#items.findLast((item) => item.type === "agentMessage");
    return last?.type === "agentMessage" ? last.text : null;
  }

  #withItems(): Turn {
    return { ...this.#turn(), items: [...this.#items], itemsView: "full" };
  }

  #ids(): { threadId: LoadedThread["id"]; turnId: TurnId } {
    return { threadId: this.thread.id, turnId: this.id };
  }

  #turn(): Turn {
    const { kind } = this.#state;
    const completedAtMs = this.#completedAtMs;
    return {
      id: this.id,
      rootTurnId: this.id,
      items: [],
      itemsView: "notLoaded",
      status: kind === "sampling" || kind === "working" ? "inProgress" : kind,
      error: this.#state.kind === "failed" ? this.#state.error : null,
      startedAt: Math.floor(this.#startedAtMs / 1000),
      completedAt: completedAtMs === null ? null : Math.floor(completedAtMs / 1000),
      durationMs: completedAtMs === null ? null : completedAtMs - this.#startedAtMs,
    };
  }
}
