import { ModelError } from "../model/port.ts";
import { invalidRequest } from "../protocol/errors.ts";
import type { ThreadId, TurnId } from "../protocol/ids.ts";
import type { ThreadItem } from "../protocol/item.ts";
import { warning } from "../protocol/notifications.ts";
import type { Turn } from "../protocol/turn.ts";
import type { UserInput } from "../protocol/user-input.ts";
import type { HistoryEvent } from "../store/port.ts";
import type { ToolCall, ToolContext } from "../tools/port.ts";
import { deferred } from "../util/deferred.ts";
import { contextItems } from "./instructions.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import { sample } from "./sampling.ts";
import { turnSettings } from "./settings.ts";
import { createToolContext } from "./tool-context.ts";
import { localTurnError, turnErrorOf } from "./turn-end.ts";
import type { TurnPorts } from "./turn-ports.ts";
import { TurnRecord } from "./turn-record.ts";
import type { TurnEvent } from "./turn-state.ts";

/** How long a tool may take to stop after an interruption before the turn ends without it. */
const stopGraceMs = 6_000;

/** One turn from the first word to the last: asks the model, runs its tools, until it has no more to say. */
export class TurnRunner {
  readonly #thread: LoadedThread;
  readonly #ports: TurnPorts;
  readonly #outputSchema: unknown;
  readonly #record: TurnRecord;
  readonly #context: ToolContext;
  readonly #interruption = new AbortController();
  readonly #ended = deferred<void>();
  /** Drops the model request in flight. */
  #steering = new AbortController();
  /** Input that is being stored and announced; the model is asked when it is. */
  #inputPending: Promise<void> | undefined;
  /** A person answered `cancel`. */
  #cancelled = false;
  #interrupters = 0;

  constructor(thread: LoadedThread, ports: TurnPorts, outputSchema: unknown) {
    this.#thread = thread;
    this.#ports = ports;
    this.#outputSchema = outputSchema;
    this.#record = new TurnRecord(thread, ports.publisher);
    this.#context = createToolContext({
      thread,
      ports,
      turnId: this.#record.id,
      open: this.#record.open,
      signal: this.#interruption.signal,
      complete: (item) => this.#record.complete(item),
      cancel: () => {
        this.#cancelled = true;
      },
      interrupt: () => this.#interruption.abort(new Error("cancelled")),
    });
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

  opening(): Turn {
    return this.#record.opening();
  }

  snapshot(): Turn {
    return this.#record.snapshot();
  }

  /** Stores what the person asked. The caller may then be told that it is accepted. */
  async accept(
    input: readonly UserInput[],
    clientId: string | null,
  ): Promise<readonly ThreadItem[]> {
    const thread = this.#thread;
    const settings = turnSettings(thread.settings);
    const items = await this.#record.storeInput(input, clientId, [
      this.#record.startEvent(),
      ...(await this.#contextEvents()),
      { kind: "turnSettings", turnId: this.id, settings },
    ]);
    thread.contextCwd = settings.cwd;
    return items;
  }

  /** Tells the clients and sets the turn going. */
  begin(firstItems: readonly ThreadItem[]): void {
    try {
      this.#warnOfUnknownModel();
      this.#record.announceStart(firstItems);
    } catch (error) {
      void this.#end(this.#endingOf(error));
      return;
    }
    void this.#run();
  }

  /** The turn was not accepted: nobody is told of it, and whoever waits for its end waits no longer. */
  refused(): void {
    this.#record.discard();
    this.#ended.resolve();
  }

  /**
   * Takes more input while the turn runs: the model request in flight is dropped and made anew with
   * it. The result announces the input and lets the turn go on.
   */
  async steer(input: readonly UserInput[], clientId: string | null): Promise<() => void> {
    if (!this.running) throw invalidRequest("no active turn to steer");
    const before = this.#inputPending;
    const gate = deferred<void>();
    this.#inputPending = gate.promise;
    this.#record.apply({ kind: "steered" });
    this.#steering.abort(new Error("steered"));
    try {
      await before;
      const items = await this.#record.storeInput(input, clientId, []);
      return () => {
        try {
          this.#record.announceInput(items);
        } finally {
          gate.resolve();
        }
      };
    } catch (error) {
      gate.resolve();
      throw error;
    }
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
      for (;;) {
        await this.#inputStored();
        this.#interruption.signal.throwIfAborted();
        const calls = await this.#sample();
        if (calls.length > 0) {
          this.#record.apply({ kind: "toolsCalled" });
          await this.#runTools(calls);
          this.#record.apply({ kind: "toolsDone" });
        } else if (!this.#steering.signal.aborted) {
          break;
        }
      }
      await this.#end({ kind: "finish" });
    } catch (error) {
      await this.#end(this.#endingOf(error));
    }
  }

  /** Waits for input that is being stored, also for such that came meanwhile. */
  async #inputStored(): Promise<void> {
    for (let seen; seen !== this.#inputPending;) {
      seen = this.#inputPending;
      await seen;
    }
  }

  /** The tools that the model calls; none when a person's words came first and it must be asked anew. */
  async #sample(): Promise<readonly ToolCall[]> {
    const steering = new AbortController();
    this.#steering = steering;
    try {
      const calls = await sample({
        record: this.#record,
        ports: this.#ports,
        outputSchema: this.#outputSchema,
        interruption: this.#interruption.signal,
        steering: steering.signal,
      });
      return steering.signal.aborted ? [] : calls;
    } catch (error) {
      this.#interruption.signal.throwIfAborted();
      if (steering.signal.aborted) return [];
      throw error;
    }
  }

  async #runTools(calls: readonly ToolCall[]): Promise<void> {
    for (const call of calls) {
      this.#interruption.signal.throwIfAborted();
      const { output } = await this.#stoppable(this.#ports.tools.run(call, this.#context));
      const type = call.kind === "custom" ? "custom_tool_call_output" : "function_call_output";
      await this.#record.remember({ type, call_id: call.callId, output });
      if (this.#cancelled) this.#interruption.abort(new Error("cancelled"));
      this.#interruption.signal.throwIfAborted();
    }
  }

  /** An interrupted tool gets some time to end what it started; then the turn ends without it. */
  #stoppable<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#interruption;
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const stop = (): void => {
        timer = setTimeout(() => reject(new Error("a tool did not stop")), stopGraceMs);
      };
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
      };
      signal.addEventListener("abort", stop, { once: true });
      work.finally(settle).then(resolve, reject);
    });
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
    const { cwd, developerInstructions } = thread.settings;
    if (thread.contextCwd === cwd) return [];
    const docs = await this.#ports.docs(cwd);
    thread.instructionSources = docs.map(({ path }) => path);
    return contextItems(cwd, docs, developerInstructions, Date.now()).map((item) =>
      this.#record.modelEvent(item),
    );
  }

  #warnOfUnknownModel(): void {
    const { model, modelProvider } = this.#thread.settings;
    if (this.#ports.models.provider(modelProvider).metadata(model).known) return;
    this.#ports.publisher.publish(warning, {
      threadId: this.#thread.id,
      message: `Model metadata for \`${model}\` not found. Defaulting to fallback metadata; this can degrade performance and cause issues.`,
    });
  }
}
