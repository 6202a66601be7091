/** What the host tells of the items of a turn. */
import { z } from "zod";
import { notification } from "./define.ts";
import { ItemId } from "./ids.ts";
import { ThreadItem } from "./item.ts";
import { inTurn } from "./turn-notifications.ts";

const inItem = { ...inTurn, itemId: ItemId };

export const itemStarted = notification({
  name: "item/started",
  stability: "stable",
  audience: "thread",
  params: z.object({ item: ThreadItem, ...inTurn, startedAtMs: z.number() }),
});

export const itemCompleted = notification({
  name: "item/completed",
  stability: "stable",
  audience: "thread",
  params: z.object({
    item: ThreadItem,
    ...inTurn,
    contentTokenCount: z.number().nullable(),
    completedAtMs: z.number(),
  }),
});

export const agentMessageDelta = notification({
  name: "item/agentMessage/delta",
  stability: "stable",
  audience: "thread",
  params: z.object({ ...inItem, delta: z.string() }),
});

export const reasoningSummaryTextDelta = notification({
  name: "item/reasoning/summaryTextDelta",
  stability: "stable",
  audience: "thread",
  params: z.object({ ...inItem, delta: z.string(), summaryIndex: z.number() }),
});

export const reasoningSummaryPartAdded = notification({
  name: "item/reasoning/summaryPartAdded",
  stability: "stable",
  audience: "thread",
  params: z.object({ ...inItem, summaryIndex: z.number() }),
});

export const reasoningTextDelta = notification({
  name: "item/reasoning/textDelta",
  stability: "stable",
  audience: "thread",
  params: z.object({ ...inItem, delta: z.string(), contentIndex: z.number() }),
});

export const commandOutputDelta = notification({
  name: "item/commandExecution/outputDelta",
  stability: "stable",
  audience: "thread",
  params: z.object({ ...inItem, delta: z.string() }),
});

/** What the agent typed into a running command. */
export const terminalInteraction = notification({
  name: "item/commandExecution/terminalInteraction",
  stability: "stable",
  audience: "thread",
  params: z.object({ ...inItem, processId: z.string(), stdin: z.string() }),
});
