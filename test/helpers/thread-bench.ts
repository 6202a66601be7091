/** The thread manager over working fakes: a scripted model, scripted tools, a store in memory that can be held up. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { hostActor } from "../../src/audit/port.ts";
import { createConfigReader } from "../../src/config/config-reader.ts";
import { RpcError } from "../../src/protocol/errors.ts";
import { EventHub } from "../../src/events/event-hub.ts";
import { escapeText } from "../../src/events/text-stream.ts";
import type {
  ModelError,
  ModelOutcome,
  ModelProvider,
  ModelRequest,
  ModelSink,
  Models,
} from "../../src/model/port.ts";
import type { ThreadId } from "../../src/protocol/ids.ts";
import { protocolGeneration } from "../../src/protocol/generation.ts";
import { createMemoryStore } from "../../src/store/memory-store.ts";
import type { HistoryEvent, ThreadMeta, ThreadStore, ThreadWriter } from "../../src/store/port.ts";
import { ApprovalDesk } from "../../src/threads/approval-desk.ts";
import type { StartOptions } from "../../src/threads/port.ts";
import { ThreadLoader } from "../../src/threads/thread-loader.ts";
import { ThreadManager } from "../../src/threads/thread-manager.ts";
import type { TurnPorts } from "../../src/threads/turn-ports.ts";
import type { ToolCall, ToolContext, ToolOutput, Tools } from "../../src/tools/port.ts";
import { noConfinement } from "./no-sandbox.ts";
import { createTools } from "../../src/tools/registry.ts";
import { MemoryAudit } from "./memory-audit.ts";
import { tick } from "./memory-socket.ts";
import { RecordingOutlet, watchFromNow } from "./recording-outlet.ts";

/** Who answers the questions of these threads. */
export const answerer = { ...hostActor, role: "admin" } as const;

/** One answer of the model. */
export type Reply = (
  sink: ModelSink,
  signal: AbortSignal,
  request: ModelRequest,
) => Promise<ModelOutcome>;

export type Tool = (call: ToolCall, context: ToolContext) => Promise<ToolOutput>;

export const usage = {
  totalTokens: 10,
  inputTokens: 7,
  cachedInputTokens: 0,
  cacheWriteInputTokens: 0,
  outputTokens: 3,
  reasoningOutputTokens: 0,
};
const outcome: ModelOutcome = { responseId: null, usage };

/** A message that comes in these pieces. */
export function sayTo(sink: ModelSink, id: string, pieces: readonly string[]): void {
  sink.itemAdded({ type: "message", id, role: "assistant", content: [] });
  for (const piece of pieces) sink.textDelta(id, escapeText(piece));
  const text = pieces.join("");
  sink.itemDone({
    type: "message",
    id,
    role: "assistant",
    content: [{ type: "output_text", text }],
  });
}

export const callTo = (sink: ModelSink, name: string, callId: string, args = "{}"): void =>
  sink.itemDone({
    type: "function_call",
    id: `fc_${callId}`,
    call_id: callId,
    name,
    arguments: args,
  });

export const says =
  (id: string, ...pieces: readonly string[]): Reply =>
  async (sink) => {
    sayTo(sink, id, pieces);
    return outcome;
  };

export const calls =
  (...named: readonly (readonly [name: string, callId: string])[]): Reply =>
  async (sink) => {
    for (const [name, callId] of named) callTo(sink, name, callId);
    return outcome;
  };

export const failsWith =
  (error: Error): Reply =>
  () =>
    Promise.reject(error);

/** Says something and then nothing more until it is aborted. */
export const hangs =
  (id: string, ...pieces: readonly string[]): Reply =>
  (sink, signal) => {
    sink.itemAdded({ type: "message", id, role: "assistant", content: [] });
    for (const piece of pieces) sink.textDelta(id, escapeText(piece));
    return untilAborted(signal);
  };

export const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });

class ScriptedModel implements ModelProvider {
  readonly id = "mock";
  readonly name = "Mock";
  readonly requests: ModelRequest[] = [];
  readonly script: Reply[] = [];
  /** Delays before the retries that it grants. */
  retryDelaysMs: number[] = [];

  metadata() {
    return { contextWindow: 1_000, known: true, offersPatchTool: false, defaultEffort: null };
  }

  stream(request: ModelRequest, sink: ModelSink, signal: AbortSignal): Promise<ModelOutcome> {
    this.requests.push(request);
    const reply = this.script.shift() ?? says("msg_end", "nothing more to say");
    return reply(sink, signal, request);
  }

  retryDelayMs(attempt: number, _error: ModelError): number | undefined {
    return this.retryDelaysMs[attempt - 1];
  }

  retryLimit(): number {
    return this.retryDelaysMs.length;
  }
}

/** What the store is asked to append waits for `gate` and fails with `failure`, or once with `failOnce`. */
export class HeldStore {
  readonly appended: HistoryEvent[] = [];
  gate: Promise<void> | undefined;
  failure: Error | undefined;
  failOnce: Error | undefined;
  /** With which turns are not taken back. */
  revertFailure: Error | undefined;
  readonly store: ThreadStore;

  constructor(store: ThreadStore) {
    const held = (writer: ThreadWriter): ThreadWriter => ({
      append: async (events) => {
        await this.gate;
        const failure = this.failOnce ?? this.failure;
        this.failOnce = undefined;
        if (failure) throw failure;
        await writer.append(events);
        this.appended.push(...events);
      },
      close: () => writer.close(),
    });
    this.store = new Proxy(store, {
      get: (target, member) => {
        if (member === "revert" && this.revertFailure) {
          return () => Promise.reject(this.revertFailure ?? new Error("no failure"));
        }
        if (member === "create") return (meta: ThreadMeta) => held(target.create(meta));
        if (member === "open") return async (id: ThreadId) => held(await target.open(id));
        const value: unknown = Reflect.get(target, member);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }
}

export interface ThreadBench {
  /** Threads of which a process is said to run. */
  readonly processes: Set<ThreadId>;
  readonly hub: EventHub;
  readonly audit: MemoryAudit;
  readonly model: ScriptedModel;
  readonly tools: Map<string, Tool>;
  readonly held: HeldStore;
  readonly manager: ThreadManager;
  readonly logged: object[];
  readonly home: string;
  /** Another manager over the same store, as after a restart. */
  restarted(): ThreadManager;
  /** A new thread with an outlet that watches it; what it was told until then is left out. */
  thread(options?: Partial<StartOptions>): Promise<{ id: ThreadId; outlet: RecordingOutlet }>;
  /** Starts a turn and gives its id. */
  turn(id: ThreadId, text: string): Promise<string>;
}

const docs = () => Promise.resolve([]);

export function createThreadBench({
  store = createMemoryStore(),
  ...ports
}: Pick<TurnPorts, "maySend" | "nowMs" | "goalsOn"> & {
  readonly store?: ThreadStore;
} = {}): ThreadBench {
  const home = mkdtempSync(join(tmpdir(), "farhelm-threads-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const config = createConfigReader({
    codexHome: home,
    sessionFlags: [],
    systemFolder: join(home, "none"),
  });
  const hub = new EventHub();
  const audit = new MemoryAudit();
  const model = new ScriptedModel();
  const models: Models = {
    provider: () => model,
    defaults: () => ({ modelProvider: "mock", model: "mock-model" }),
    list: () => Promise.resolve([]),
  };
  const byName = new Map<string, Tool>();
  const processes = new Set<ThreadId>();
  const real = createTools({
    log: { warn: () => {} },
    shell: "/bin/bash",
    protectedPaths: [],
    confinement: noConfinement,
  });
  const tools: Tools = {
    specs: () => [],
    run: (call, context) => {
      const tool = byName.get(call.name);
      return tool ? tool(call, context) : Promise.resolve({ output: `no tool ${call.name}` });
    },
    hasProcesses: (threadId) => processes.has(threadId),
    background: (threadId) => real.background(threadId),
    endBackground: (threadId, processId) => real.endBackground(threadId, processId),
    endThread: () => Promise.resolve(),
    runUserCommand: (command, context) => real.runUserCommand(command, context),
    close: () => Promise.resolve(),
  };
  const held = new HeldStore(store);
  const logged: object[] = [];
  const createManager = (): ThreadManager =>
    new ThreadManager(
      {
        publisher: hub,
        models,
        tools,
        desk: new ApprovalDesk(hub, audit),
        log: { error: (fields, message) => void logged.push({ ...fields, message }) },
        docs,
        diffOf: (files) => files.map(({ path }) => path).join("\n"),
        ...ports,
      },
      held.store,
      new ThreadLoader({
        store: held.store,
        publisher: hub,
        models,
        config,
        defaultCwd: home,
        docs,
        cliVersion: protocolGeneration,
      }),
    );
  const manager = createManager();
  return {
    hub,
    audit,
    model,
    tools: byName,
    processes,
    held,
    manager,
    logged,
    home,
    restarted: createManager,
    async thread(options = {}) {
      const { view, announce } = await manager.start({
        ephemeral: false,
        historyMode: undefined,
        threadSource: null,
        originator: "test",
        config: {},
        ...options,
      });
      const outlet = new RecordingOutlet();
      hub.join(outlet);
      watchFromNow(hub, view.thread.id, outlet);
      announce();
      await tick();
      outlet.pushed.length = 0;
      return { id: view.thread.id, outlet };
    },
    async turn(id, text) {
      const { turn, announce } = await manager.startTurn(id, {
        input: [{ type: "text", text, text_elements: [] }],
        clientId: null,
        outputSchema: null,
      });
      announce();
      return turn.id;
    },
  };
}

/** Resolves when `holds` is true, looked at after every tick; fails the test with `what` if it never is. */
export async function until(holds: () => boolean, what = "what was waited for"): Promise<void> {
  const deadlineMs = Date.now() + 30_000;
  while (!holds()) {
    if (Date.now() > deadlineMs) throw new Error(`${what} did not happen`);
    await tick();
  }
}

export const turnEnded = (outlet: RecordingOutlet, count = 1): Promise<void> =>
  until(
    () => outlet.trace.filter((name) => name === "turn/completed").length >= count,
    `turn/completed no. ${count}`,
  );

/** A thread in which `text` was said and answered; its outlet has forgotten it. */
export async function saidThread(bench: ThreadBench, text = "hi") {
  const { id, outlet } = await bench.thread();
  bench.model.script.push(says("m0", "A"));
  await bench.turn(id, text);
  await turnEnded(outlet);
  outlet.pushed.length = 0;
  return { id, outlet };
}

/** The error that a client is sent; "none" where there is none. */
export const wireErrorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "none",
    (error: unknown) => (error instanceof RpcError ? error.toWire() : error),
  );

export const textInput = (value: string) => [
  { type: "text" as const, text: value, text_elements: [] },
];

/** The turn of the last turn/completed. */
export const ending = (outlet: RecordingOutlet): unknown =>
  outlet.sent.findLast(({ method }) => method === "turn/completed")?.params?.["turn"];

/** How the turns ended, one after another. */
export const statuses = (outlet: RecordingOutlet): readonly unknown[] =>
  outlet.sent
    .filter(({ method }) => method === "turn/completed")
    .map(({ params }) => Object(params?.["turn"])["status"]);

/** What the deltas of a message add up to. */
export const said = (outlet: RecordingOutlet, itemId: string): string =>
  outlet.sent
    .filter(
      ({ method, params }) => method === "item/agentMessage/delta" && params?.["itemId"] === itemId,
    )
    .map(({ params }) => String(params?.["delta"]))
    .join("");
