import type { ModelOutcome, ModelSink } from "../model/port.ts";
import { ModelError } from "../model/port.ts";
import { ItemId } from "../protocol/ids.ts";
import type { OtherItem } from "../protocol/item.ts";
import type { ModelItem } from "../protocol/model-item.ts";
import type { Turn } from "../protocol/turn.ts";
import { uuidV7 } from "../util/uuid-v7.ts";
import { modeNews } from "./collaboration-modes.ts";
import { permissionNews } from "./permission-news.ts";
import {
  baseInstructions,
  contextItems,
  summaryRequest,
  summaryText,
  userTextItem,
} from "./instructions.ts";
import { textsOf } from "./items.ts";
import { sendableHistory } from "./model-history.ts";
import { retried } from "./sampling.ts";
import { estimatedUsage } from "./turn-end.ts";
import type { TurnHands, TurnWork } from "./turn-work.ts";

/** As much of what people wrote is kept word for word, the newest first: some 20,000 tokens. */
const maxKeptChars = 80_000;

/** Replaces what the model is sent by what people wrote and a summary of the rest. */
export class Compaction implements TurnWork {
  readonly kind = "compact";

  async run(hands: TurnHands): Promise<void> {
    const { record, ports, context } = hands;
    const { thread, settings } = record;
    const startedAtMs = Date.now();
    const item: OtherItem = {
      type: "contextCompaction",
      id: ItemId.parse(uuidV7()),
      startedAtMs,
      completedAtMs: null,
    };
    context.itemStarted(item);
    try {
      const seen = thread.modelItems.length;
      const { summary, outcome } = await summarize(hands);
      const { contextWindow } = ports.models
        .provider(settings.modelProvider)
        .metadata(settings.model);
      await record.count(outcome, contextWindow);
      const { cwd, developerInstructions, choices } = settings;
      const docs = await ports.docs(cwd);
      await record.compact(summaryText(summary), [
        ...contextItems(cwd, docs, developerInstructions, Date.now()),
        ...permissionNews(settings),
        ...modeNews(choices),
        ...wordsOfPeople(thread.turns).map(userTextItem),
        userTextItem(summaryText(summary)),
        ...thread.modelItems.slice(seen),
      ]);
      await record.tellUsage(estimatedUsage(thread.usage, thread.modelItems, contextWindow));
      await record.complete({ ...item, completedAtMs: Date.now() });
    } finally {
      record.open.end(item.id);
    }
  }
}

/** Where the conversation is too long even for this, its older half is left out, then half of the rest. */
async function summarize(
  hands: TurnHands,
): Promise<{ readonly summary: string; readonly outcome: ModelOutcome }> {
  const { record } = hands;
  for (let items = record.thread.modelItems.slice(); ;) {
    try {
      return await retried(hands, () => askForSummary(hands, items));
    } catch (error) {
      const isTooLong = error instanceof ModelError && error.info === "contextWindowExceeded";
      if (!isTooLong || items.length < 2) throw error;
      items = items.slice(Math.ceil(items.length / 2));
    }
  }
}

async function askForSummary(
  { record, ports, signal }: TurnHands,
  items: readonly ModelItem[],
): Promise<{ readonly summary: string; readonly outcome: ModelOutcome }> {
  const { thread, settings } = record;
  const provider = ports.models.provider(settings.modelProvider);
  const texts: string[] = [];
  const outcome = await provider.stream(
    {
      model: settings.model,
      instructions: settings.baseInstructions ?? baseInstructions,
      input: sendableHistory([...items, summaryRequest]),
      tools: [],
      effort: settings.effort ?? provider.metadata(settings.model).defaultEffort,
      summary: settings.summary,
      outputSchema: null,
      threadId: thread.id,
      turnId: record.id,
    },
    summarySink(texts),
    signal,
  );
  const summary = texts.join("\n").trim();
  if (summary) return { summary, outcome };
  throw new ModelError(
    "final",
    "The model wrote no summary, so the conversation stays as it is. Try again, or choose another model.",
    "other",
  );
}

const ignore = (): void => undefined;

/** Nobody is shown the summary while it is written. */
const summarySink = (texts: string[]): ModelSink => ({
  itemAdded: ignore,
  textDelta: ignore,
  reasoningPartAdded: ignore,
  reasoningDelta: ignore,
  reasoningTextDelta: ignore,
  itemDone(item) {
    if (item.type === "message") texts.push(...textsOf(item, "content"));
  },
});

/** What people wrote, oldest first; of a text that does not fit, the beginning. */
function wordsOfPeople(turns: readonly Turn[]): readonly string[] {
  const words: string[] = [];
  let leftChars = maxKeptChars;
  const messages = turns.flatMap(({ items }) => items.filter(({ type }) => type === "userMessage"));
  for (const item of messages.toReversed()) {
    if (leftChars <= 0) break;
    const text = textOf(item).slice(0, leftChars);
    leftChars -= text.length;
    if (text) words.unshift(text);
  }
  return words;
}

const textOf = (item: Turn["items"][number]): string =>
  item.type === "userMessage"
    ? item.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n")
    : "";
