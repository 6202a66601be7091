import { ModelError } from "../model/port.ts";
import { invalidRequest } from "../protocol/errors.ts";
import type { ThreadId, TurnId } from "../protocol/ids.ts";
import type { ThreadItem } from "../protocol/item.ts";
import type { ModelItem } from "../protocol/model-item.ts";
import { warning } from "../protocol/thread-notifications.ts";
import type { Turn } from "../protocol/turn.ts";
import type { HistoryEvent } from "../store/port.ts";
import type { UserCommand } from "../tools/port.ts";
import { deferred } from "../util/deferred.ts";
import { modeNews } from "./collaboration-modes.ts";
import { permissionNews } from "./permission-news.ts";
import { contextItems } from "./instructions.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import type { PersonsWords } from "./port.ts";
import type { ThreadSettings } from "./settings.ts";
import { turnSettings } from "./settings.ts";
import { runUserCommand } from "./shell-work.ts";
import { Steering } from "./steering.ts";
import { createToolContext } from "./tool-context.ts";
import { localTurnError, turnErrorOf } from "./turn-end.ts";
import type { TurnPorts } from "./turn-ports.ts";
import { TurnRecord } from "./turn-record.ts";
import type { TurnEvent } from "./turn-state.ts";
import type { TurnHands, TurnWork } from "./turn-work.ts";

/** One turn from its beginning to its end, whatever its work is. */
export class TurnRunner {
  readonly #thread: LoadedThread;
  readonly #ports: TurnPorts;
  readonly #work: TurnWork;
  readonly #record: TurnRecord;
  readonly #hands: TurnHands;
  readonly #interruption = new AbortController();
  readonly #steering = new Steering();
  readonly #begun = deferred<void>();
  readonly #ended = deferred<void>();
  #isBegun = false;
  /** A person answered `cancel`. */
  #cancelled = false;
  #interrupters = 0;

  constructor(thread: LoadedThread, ports: TurnPorts, work: TurnWork, id: TurnId) {
    this.#thread = thread;
    this.#ports = ports;
    this.#work = work;
    const record = new TurnRecord(thread, ports.publisher, id);
    const { signal } = this.#interruption;
    this.#record = record;
    const context = createToolContext({
      thread,
      ports,
      turnId: record.id,
      settings: record.settings,
      open: record.open,
      signal,
      complete: (item) => record.complete(item),
      cancel: () => {
        this.#cancelled = true;
      },
      interrupt: () => this.#interruption.abort(new Error("cancelled")),
      isRunning: () => record.running,
      over: this.#ended.promise,
    });
    this.#hands = {
      record,
      ports,
      context,
      signal,
      steering: this.#steering,
      endIfCancelled: () => {
        if (this.#cancelled) this.#interruption.abort(new Error("cancelled"));
      },
    };
  }

  get id(): TurnId {
    return this.#record.id;
  }

  get threadId(): ThreadId {
    return this.#thread.id;
  }

  get running(): boolean {
    return this.#record.running;
  }

  /** Whether the clients were told of it. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** While the turn is not announced yet, or its end is not stored yet: resolves when that has changed. */
  get change(): Promise<void> | undefined {
    if (!this.#isBegun) return this.#begun.promise;
    return this.running ? undefined : this.#ended.promise;
  }

  get settings(): ThreadSettings {
    return this.#record.settings;
  }

  get kind(): TurnWork["kind"] {
    return this.#work.kind;
  }

  opening(): Turn {
    return this.#record.opening();
  }

  snapshot(): Turn {
    return this.#record.snapshot();
  }

  /** Stores what the person asked, and `modelItems` that are for the model alone. The caller may then be told that it is accepted. */
  async accept(
    words: PersonsWords | undefined,
    modelItems: readonly ModelItem[] = [],
  ): Promise<readonly ThreadItem[]> {
    const thread = this.#thread;
    const settings = turnSettings(this.#record.settings);
    const opening: readonly HistoryEvent[] = [
      this.#record.startEvent(),
      ...(await this.#contextEvents()),
      { kind: "turnSettings", turnId: this.id, settings },
      ...modelItems.map((item) => this.#record.modelEvent(item)),
    ];
    const items = words ? await this.#record.storeInput(words, opening) : [];
    if (!words) await thread.append(opening);
    thread.contextCwd = settings.cwd;
    thread.onTurnBegun?.(this.id);
    return items;
  }

  /** Tells the clients and sets the turn going. */
  begin(firstItems: readonly ThreadItem[]): void {
    try {
      if (this.#work.kind === "agent") this.#warnOfUnknownModel();
      this.#record.announceStart(firstItems);
    } catch (error) {
      this.#noteBegun();
      void this.#end(this.#endingOf(error));
      return;
    }
    this.#noteBegun();
    void this.#run();
  }

  /** The turn was not accepted: nobody is told of it, and whoever waits for its end waits no longer. */
  refused(): void {
    this.#record.discard();
    this.#noteBegun();
    this.#ended.resolve();
  }

  #noteBegun(): void {
    this.#isBegun = true;
    this.#begun.resolve();
  }

  /**
   * Takes more input while the turn runs: the model request in flight is dropped and made anew with
   * it. The result announces the input and lets the turn go on.
   */
  async steer(words: PersonsWords): Promise<() => void> {
    if (!this.running) throw invalidRequest("no active turn to steer");
    const { before, done } = this.#steering.take();
    this.#record.apply({ kind: "steered" });
    try {
      await before;
      const items = await this.#record.storeInput(words, []);
      return () => {
        try {
          this.#record.announceInput(items);
        } finally {
          done();
        }
      };
    } catch (error) {
      done();
      throw error;
    }
  }

  /** Runs a person's own command beside what the turn does; the turn does not wait for it. */
  runBeside(command: UserCommand): void {
    runUserCommand(command, this.#hands).catch((error: unknown) =>
      this.#ports.log.error(
        { err: error, threadId: this.#thread.id },
        "a person's command is not stored",
      ),
    );
  }

  /** Stops the turn and resolves when its end is stored; what it returns tells the clients. */
  async interrupt(): Promise<() => void> {
    if (!this.running) throw invalidRequest("no active turn to interrupt");
    this.#interrupters += 1;
    this.#interruption.abort(new Error("interrupted"));
    await this.#ended.promise;
    return () => this.announceEnd();
  }

  announceEnd(): void {
    this.#record.announceEnd();
  }

  async #run(): Promise<void> {
    try {
      await this.#work.run(this.#hands);
      await this.#end({ kind: "finish" });
    } catch (error) {
      await this.#end(this.#endingOf(error));
    }
  }

  #endingOf(error: unknown): TurnEvent {
    if (this.#interruption.signal.aborted || this.#cancelled) return { kind: "interrupt" };
    if (error instanceof ModelError) return { kind: "fail", error: turnErrorOf(error) };
    this.#ports.log.error({ err: error, threadId: this.#thread.id }, "a turn failed");
    return { kind: "fail", error: localTurnError(error) };
  }

  async #end(event: TurnEvent): Promise<void> {
    this.#record.apply(event);
    try {
      await this.#record.storeEnd();
    } catch (error) {
      this.#ports.log.error(
        { err: error, threadId: this.#thread.id },
        "a turn's end is not stored",
      );
    }
    this.#ended.resolve();
    if (this.#interrupters === 0) this.announceEnd();
  }

  async #contextEvents(): Promise<readonly HistoryEvent[]> {
    const thread = this.#thread;
    const { settings } = this.#record;
    const { cwd, developerInstructions } = settings;
    const news = [
      ...permissionNews(settings, thread.modelItems),
      ...modeNews(settings.choices, thread.modelItems),
    ];
    if (thread.contextCwd === cwd) return news.map((item) => this.#record.modelEvent(item));
    const docs = await this.#ports.docs(cwd);
    thread.instructionSources = docs.map(({ path }) => path);
    const items = contextItems(cwd, docs, developerInstructions, Date.now());
    return [...items, ...news].map((item) => this.#record.modelEvent(item));
  }

  #warnOfUnknownModel(): void {
    const { model, modelProvider } = this.#record.settings;
    if (this.#ports.models.provider(modelProvider).metadata(model).known) return;
    this.#ports.publisher.publish(warning, {
      threadId: this.#thread.id,
      message: `Model metadata for \`${model}\` not found. Defaulting to fallback metadata; this can degrade performance and cause issues.`,
    });
  }
}
