import { setTimeout as delay } from "node:timers/promises";
import type { CommandExecutionItem } from "../protocol/item.ts";
import type { CommandReport } from "./command-item.ts";
import type { PermissionProfile } from "../protocol/permission-profile.ts";
import type { ToolContext } from "./port.ts";
import { OutputBuffer } from "./output-buffer.ts";
import { OutputStream } from "./output-stream.ts";
import { endGroup } from "./process-group.ts";
import { type ProcessRequest, type RunningProcess, startProcess } from "./running-process.ts";

export interface SessionRequest extends ProcessRequest {
  readonly script: string;
  /** What it may reach: what is typed into it may, too. */
  readonly rights: PermissionProfile;
  /** What the model is to know besides the output, each line once. */
  readonly takeNotes?: () => readonly string[];
}

/** A command from its start until its end was told. It outlives the call that started it when that call yields. */
export class CommandSession {
  readonly id: number;
  /** What the shell was given. */
  readonly script: string;
  readonly cwd: string;
  readonly rights: PermissionProfile;
  /** Resolves when the item is completed; rejects when that could not be stored. */
  readonly finished: Promise<void>;
  readonly #process: RunningProcess;
  readonly #context: ToolContext;
  readonly #item: CommandExecutionItem;
  readonly #all: OutputBuffer;
  readonly #unread: OutputBuffer;
  readonly #stream: OutputStream;
  readonly #takeNotes: SessionRequest["takeNotes"];
  readonly #startedMs = performance.now();
  #exitCode: number | undefined;
  /** Ended before its time; the reason is told where there is one. */
  #stopped: { readonly reason: string | undefined } | undefined;
  #ending: Promise<void> | undefined;

  private constructor(
    id: number,
    request: SessionRequest,
    running: RunningProcess,
    outputs: { all: OutputBuffer; unread: OutputBuffer; stream: OutputStream },
    item: CommandExecutionItem,
    context: ToolContext,
  ) {
    this.id = id;
    this.#process = running;
    this.#all = outputs.all;
    this.#unread = outputs.unread;
    this.#stream = outputs.stream;
    this.#context = context;
    this.script = request.script;
    this.#takeNotes = request.takeNotes;
    this.cwd = request.cwd;
    this.rights = request.rights;
    this.#item =
      item.source === "userShell"
        ? item
        : { ...item, processId: String(id), source: "unifiedExecStartup" };
    this.finished = this.#finish();
  }

  /**
   * Starts the process and announces the item, unless `item` was announced before. The turn's end by interruption
   * ends the process too. Rejects with the system's error when the process does not start.
   */
  static async start(
    id: number,
    request: SessionRequest,
    item: CommandExecutionItem,
    isAnnounced: boolean,
    context: ToolContext,
  ): Promise<CommandSession> {
    const all = new OutputBuffer();
    const unread = new OutputBuffer();
    const throttle: { target: RunningProcess | undefined } = { target: undefined };
    const stream = new OutputStream((text) => context.outputDelta(item.id, text), {
      pause: () => throttle.target?.pause(),
      resume: () => throttle.target?.resume(),
    });
    const running = await startProcess(request, (chunk) => {
      all.add(chunk);
      unread.add(chunk);
      stream.add(chunk);
    });
    throttle.target = running;
    const session = new CommandSession(
      id,
      request,
      running,
      { all, unread, stream },
      item,
      context,
    );
    if (!isAnnounced) context.itemStarted(session.#item);
    return session;
  }

  get itemId(): CommandExecutionItem["id"] {
    return this.#item.id;
  }

  get groupId(): number {
    return this.#process.groupId;
  }

  /** Undefined while it runs. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  takeOutput(): CommandReport["output"] {
    return { notes: this.#takeNotes?.() ?? [], ...this.#unread.take() };
  }

  /** False: it has no standard input. */
  write(text: string): boolean {
    return this.#exitCode !== undefined || this.#process.write(text);
  }

  interrupt(): void {
    if (this.#exitCode === undefined) this.#process.interrupt();
  }

  /** Resolves when its end was told, when the time is over, or when `signal` aborts. Never rejects. */
  async waitForEnd(waitMs: number, signal?: AbortSignal): Promise<void> {
    const timer = new AbortController();
    const stop = signal ? AbortSignal.any([timer.signal, signal]) : timer.signal;
    await Promise.race([
      this.finished.catch(() => undefined),
      delay(waitMs, undefined, { signal: stop }).catch(() => undefined),
    ]);
    timer.abort();
  }

  /** Ends the process and its children. Resolves when they are gone or were killed. */
  async end(): Promise<void> {
    // once it has ended, its number may belong to somebody else
    if (this.#exitCode !== undefined) return;
    this.#ending ??= endGroup(this.groupId);
    await this.#ending;
  }

  /** Ends it, and its item says so, with the reason where one is given. */
  stop(reason?: string): void {
    if (this.#exitCode === undefined) this.#stopped ??= { reason };
    void this.end();
  }

  /** Whether it runs and nobody has stopped it. */
  get goesOn(): boolean {
    return this.#exitCode === undefined && this.#stopped === undefined;
  }

  /** Whether the agent started it, rather than a person. */
  get isAgents(): boolean {
    return this.#item.source !== "userShell";
  }

  async #finish(): Promise<void> {
    const { signal } = this.#context;
    const isOwn = this.#item.source === "userShell";
    const end = (): void => (isOwn ? this.stop("command aborted by user") : void this.end());
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
    const exitCode = await this.#process.ended;
    signal.removeEventListener("abort", end);
    const durationMs = Math.round(performance.now() - this.#startedMs);
    await this.#stream.end();
    if (this.#stopped?.reason !== undefined) this.#note(this.#stopped.reason);
    this.#exitCode = this.#stopped === undefined ? exitCode : -1;
    await this.#context.itemCompleted({
      ...this.#item,
      status: this.#exitCode === 0 ? "completed" : "failed",
      aggregatedOutput: this.#all.totalBytes > 0 ? this.#all.text() : null,
      exitCode: this.#exitCode,
      durationMs,
      completedAtMs: Date.now(),
    });
  }

  /** A last line of the output that is not the command's own. */
  #note(text: string): void {
    const line = Buffer.from(this.#all.endsLine ? text : `\n${text}`);
    this.#all.add(line);
    this.#unread.add(line);
  }
}
