/** A thread's row in a list, as what happens in the thread changes it. */
import { unreachable } from "../util/unreachable.ts";
import type { ThreadMeta, ThreadRecord } from "./port.ts";
import type { WrittenEvent } from "./rollout/encode.ts";
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
