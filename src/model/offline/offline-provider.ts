/** The provider that answers when no model is configured: a small scripted agent. */
import { setTimeout as sleep } from "node:timers/promises";
import { isRecord } from "../../util/is-record.ts";
import type {
  ModelMetadata,
  ModelOutcome,
  ModelProvider,
  ModelRequest,
  ModelSink,
} from "../port.ts";
import { callOf, toolOf } from "./offline-calls.ts";
import type { NewId } from "./offline-calls.ts";
import { taskOf } from "./offline-conversation.ts";
import type { OfflineTask } from "./offline-conversation.ts";
import { planOf } from "./offline-plan.ts";
import type { OfflineStep } from "./offline-plan.ts";
import {
  HELP_TEXT,
  NO_TOOLS_TEXT,
  OFFLINE_MODEL,
  OFFLINE_NAME,
  UNCLEAR_TEXT,
  announcement,
  summary,
  wasRefused,
} from "./offline-words.ts";
import { exampleOf } from "./schema-example.ts";

/** Between two pieces of text, so that streaming can be seen. */
const PAUSE_MS = 8;
const WORDS_PER_PIECE = 3;
/** Long answers come in larger pieces rather than late. */
const MAX_PIECES = 40;

interface Reply {
  readonly text: string;
  readonly step?: OfflineStep;
}

export class OfflineProvider implements ModelProvider {
  readonly id = OFFLINE_MODEL;
  readonly name = OFFLINE_NAME;
  readonly #newId: NewId;

  constructor(newId: NewId) {
    this.#newId = newId;
  }

  metadata(): ModelMetadata {
    return { contextWindow: 258_400, known: true, offersPatchTool: true, defaultEffort: null };
  }

  async stream(request: ModelRequest, sink: ModelSink, signal: AbortSignal): Promise<ModelOutcome> {
    signal.throwIfAborted();
    const responseId = this.#newId("resp");
    const { text, step } = replyTo(request);
    await this.#say(text, sink, signal);
    let outputChars = text.length;
    if (step !== undefined) {
      const call = callOf(step, this.#newId);
      sink.itemAdded(call);
      sink.itemDone(call);
      outputChars += JSON.stringify(call).length;
    }
    return { responseId, usage: usageOf(request, outputChars) };
  }

  /** It never fails. */
  retryDelayMs(): undefined {
    return undefined;
  }

  async #say(text: string, sink: ModelSink, signal: AbortSignal): Promise<void> {
    const id = this.#newId("msg");
    const message = { type: "message", id, role: "assistant" };
    sink.itemAdded({ ...message, status: "in_progress", content: [] });
    for (const piece of piecesOf(text)) {
      await pause(signal);
      sink.textDelta(id, Buffer.from(JSON.stringify(piece).slice(1, -1)));
    }
    sink.itemDone({
      ...message,
      status: "completed",
      content: [{ type: "output_text", text, annotations: [] }],
    });
  }
}

function replyTo(request: ModelRequest): Reply {
  const task = taskOf(request.input);
  const { outputSchema: schema } = request;
  if (isRecord(schema)) {
    const title = task.message.replace(/\s+/g, " ").trim();
    return { text: JSON.stringify(exampleOf(schema, title === "" ? OFFLINE_NAME : title)) };
  }
  return plainReply(task, new Set(request.tools.map(({ name }) => name)));
}

function plainReply({ message, results }: OfflineTask, tools: ReadonlySet<string>): Reply {
  const plan = planOf(message);
  if (plan.kind === "help") return { text: HELP_TEXT };
  if (plan.kind === "unclear") return { text: UNCLEAR_TEXT };
  const refused = results.some(({ output }) => wasRefused(output));
  const step = refused ? undefined : plan.steps[results.length];
  if (step === undefined)
    return { text: summary(plan.steps, results.slice(0, plan.steps.length), refused) };
  if (!tools.has(toolOf(step))) return { text: NO_TOOLS_TEXT };
  return { text: announcement(step), step };
}

/** A few words at a time, white space kept. */
function piecesOf(text: string): readonly string[] {
  const words = text.match(/\s*\S+\s*$|\s*\S+/g) ?? [text];
  const size = Math.max(WORDS_PER_PIECE, Math.ceil(words.length / MAX_PIECES));
  const pieces: string[] = [];
  for (let at = 0; at < words.length; at += size) pieces.push(words.slice(at, at + size).join(""));
  return pieces;
}

async function pause(signal: AbortSignal): Promise<void> {
  try {
    await sleep(PAUSE_MS, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** Four characters count as a token. */
function usageOf(request: ModelRequest, outputChars: number): ModelOutcome["usage"] {
  const inputTokens = Math.ceil(JSON.stringify(request.input).length / 4);
  const outputTokens = Math.ceil(outputChars / 4);
  return {
    totalTokens: inputTokens + outputTokens,
    inputTokens,
    cachedInputTokens: 0,
    cacheWriteInputTokens: 0,
    outputTokens,
    reasoningOutputTokens: 0,
  };
}
