import type { ModelItem } from "../protocol/model-item.ts";
import type { ToolCall } from "../tools/port.ts";
import { sample } from "./sampling.ts";
import type { TurnHands, TurnWork } from "./turn-work.ts";

/** How long a tool may take to stop after an interruption before the turn ends without it. */
const stopGraceMs = 6_000;

/** Asks the model and runs its tools until it has no more to say. */
export class AgentWork implements TurnWork {
  readonly kind = "agent";
  readonly #outputSchema: unknown;
  readonly #serviceTier: string | undefined;

  /** `serviceTier` counts more than that of the thread. */
  constructor(outputSchema: unknown, serviceTier?: string) {
    this.#outputSchema = outputSchema;
    this.#serviceTier = serviceTier;
  }

  async run(hands: TurnHands): Promise<void> {
    const { record, steering, signal } = hands;
    for (;;) {
      const asked = await steering.beginSettled();
      signal.throwIfAborted();
      const calls = await this.#sample(hands, asked);
      if (calls.length > 0) {
        record.apply({ kind: "toolsCalled" });
        await runTools(calls, hands);
        record.apply({ kind: "toolsDone" });
      } else if (!steering.wanted) {
        return;
      }
    }
  }

  /** The tools that the model calls; none when a person's words came first and it must be asked anew. */
  async #sample(
    { record, ports, signal }: TurnHands,
    asked: AbortSignal,
  ): Promise<readonly ToolCall[]> {
    try {
      const calls = await sample({
        record,
        ports,
        outputSchema: this.#outputSchema,
        serviceTier: this.#serviceTier,
        interruption: signal,
        steering: asked,
      });
      return asked.aborted ? [] : calls;
    } catch (error) {
      signal.throwIfAborted();
      if (asked.aborted) return [];
      throw error;
    }
  }
}

async function runTools(calls: readonly ToolCall[], hands: TurnHands): Promise<void> {
  const { record, ports, context, signal } = hands;
  const words: ModelItem[] = [];
  for (const call of calls) {
    signal.throwIfAborted();
    const { output } = await stoppable(ports.tools.run(call, context), signal);
    const type = call.kind === "custom" ? "custom_tool_call_output" : "function_call_output";
    await record.remember({ type, call_id: call.callId, output });
    const word = await record.thread.onToolRan?.();
    if (word) words.push(word);
    hands.endIfCancelled();
    signal.throwIfAborted();
  }
  // behind all outputs: a model is sent no other item between its calls and their outputs
  for (const word of words) await record.remember(word);
}

/** An interrupted tool gets some time to end what it started; then the turn ends without it. */
export function stoppable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
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
