import { ModelError } from "../model/port.ts";
import type { ToolCall } from "../tools/port.ts";
import { abortableDelay } from "../util/abortable-delay.ts";
import { baseInstructions } from "./instructions.ts";
import { ModelExchange } from "./model-exchange.ts";
import { sendableHistory } from "./model-history.ts";
import { retryNoticeOf } from "./turn-end.ts";
import type { TurnPorts } from "./turn-ports.ts";
import type { TurnRecord } from "./turn-record.ts";

export interface SamplingOptions {
  readonly record: TurnRecord;
  readonly ports: TurnPorts;
  readonly outputSchema: unknown;
  /** Of this turn, where it is not the thread's. */
  readonly serviceTier?: string | undefined;
  /** Ends the turn. */
  readonly interruption: AbortSignal;
  /** Drops this request, to ask anew with what a person added. */
  readonly steering: AbortSignal;
}

/** One answer of the model; resolves with the tools that it calls. Rejects as `retried` does. */
export function sample(options: SamplingOptions): Promise<readonly ToolCall[]> {
  const { record, ports, interruption, steering } = options;
  const signal = AbortSignal.any([interruption, steering]);
  return retried({ record, ports, signal }, () => attempt(options, signal));
}

/**
 * Asks the model, again where the provider says so, and tells the clients of it.
 * Rejects with `ModelError` when the provider gives up, with the reason when `signal` aborts.
 */
export async function retried<T>(
  {
    record,
    ports,
    signal,
  }: {
    readonly record: TurnRecord;
    readonly ports: TurnPorts;
    readonly signal: AbortSignal;
  },
  ask: () => Promise<T>,
): Promise<T> {
  const provider = ports.models.provider(record.settings.modelProvider);
  for (let failures = 0; ;) {
    try {
      return await ask();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ModelError)) throw error;
      failures += 1;
      const delayMs = provider.retryDelayMs(failures, error);
      if (delayMs === undefined) throw error;
      const limit = provider.retryLimit?.(error) ?? null;
      record.announceError(retryNoticeOf(error, failures, limit), true);
      await abortableDelay(delayMs, signal);
    }
  }
}

async function attempt(
  { record, ports, outputSchema, serviceTier }: SamplingOptions,
  signal: AbortSignal,
): Promise<readonly ToolCall[]> {
  const { thread, settings } = record;
  const provider = ports.models.provider(settings.modelProvider);
  const metadata = provider.metadata(settings.model);
  const exchange = new ModelExchange({
    threadId: thread.id,
    turnId: record.id,
    publisher: ports.publisher,
    remember: (item) => record.remember(item),
    complete: (item) => record.complete(item),
  });
  record.partial = () => exchange.partial;
  try {
    const outcome = await provider.stream(
      {
        model: settings.model,
        instructions: settings.baseInstructions ?? baseInstructions,
        input: sendableHistory(thread.modelItems),
        tools: ports.tools.specs({
          patchTool: metadata.offersPatchTool,
          dynamicTools: thread.dynamicTools,
          goals: thread.goalTools?.() !== undefined,
          permissions: settings.permissionTools,
        }),
        effort: settings.effort ?? metadata.defaultEffort,
        summary: settings.summary,
        outputSchema: outputSchema ?? null,
        isFlexible: (serviceTier ?? settings.choices?.serviceTier) === "flex",
        threadId: thread.id,
        turnId: record.id,
      },
      exchange,
      AbortSignal.any([signal, exchange.broken]),
    );
    await exchange.settled();
    await record.count(outcome, metadata.contextWindow);
    return exchange.toolCalls;
  } catch (error) {
    exchange.abandon();
    await exchange.settled();
    throw error;
  } finally {
    record.partial = () => undefined;
  }
}
