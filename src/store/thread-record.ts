/** A thread's row in a list, as what happens in the thread changes it. */
import { unreachable } from "../util/unreachable.ts";
import type { History, ThreadMeta, ThreadRecord } from "./port.ts";
import type { WrittenEvent } from "./rollout/encode.ts";
import type { ForkPoint } from "./rollout/fork-point.ts";
import { previewOfInput } from "./rollout/input-coding.ts";

/** The record of a thread in which nothing happened yet. */
export const freshRecord = (meta: ThreadMeta): ThreadRecord => ({
  updatedAtMs: meta.createdAtMs,
  recencyAtMs: meta.createdAtMs,
  preview: "",
  name: null,
  archived: false,
  model: null,
  effort: null,
  path: null,
  ...meta,
});

/** The past of such a thread. */
export const unsaidHistory = (record: ThreadRecord): History => ({
  record,
  turns: [],
  modelItems: [],
  settings: null,
  usage: null,
  usageTurnId: null,
});

/** What is known of a fork beside its own: it is kept in its source's form. */
export const forkedMeta = (meta: ThreadMeta, { id, historyMode }: ThreadRecord): ThreadMeta => ({
  ...meta,
  historyMode,
  forkedFromId: id,
});

/** The record of a fork in which nothing happened yet. */
export const forkedRecord = (meta: ThreadMeta, { preview, history }: ForkPoint): ThreadRecord => ({
  ...freshRecord(meta),
  preview,
  model: history.settings?.model ?? null,
  effort: history.settings?.effort ?? null,
});

/** The record after one more event. */
export function noted(record: ThreadRecord, entry: WrittenEvent): ThreadRecord {
  switch (entry.kind) {
    case "turnStarted":
      return { ...record, recencyAtMs: entry.startedAtMs };
    case "turnSettings":
    case "settings":
      return { ...record, model: entry.settings.model, effort: entry.settings.effort };
    case "itemCompleted":
      return record.preview === "" && entry.item.type === "userMessage"
        ? { ...record, preview: previewOfInput(entry.item.content) }
        : record;
    case "metaChanged":
      return { ...record, gitInfo: entry.gitInfo };
    case "modelItem":
    case "compacted":
    case "tokenUsage":
    case "turnError":
    case "turnEnded":
    case "turnsTakenBack":
      return record;
    default:
      return unreachable(entry);
  }
}
