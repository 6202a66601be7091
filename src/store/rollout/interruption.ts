import type { Turn } from "../../protocol/turn.ts";
import type { HistoryEvent } from "../port.ts";

const told = [
  "<turn_aborted>",
  "This turn was not done when the conversation was forked. What it began may have taken effect in part; look before you go on.",
  "</turn_aborted>",
].join("\n");

/** The end of a turn that a fork cuts short: what the model is told of it, and the mark for people. */
export function interruption({ id: turnId, startedAt }: Turn, nowMs: number): HistoryEvent[] {
  const content = [{ type: "input_text", text: told }];
  return [
    { kind: "modelItem", turnId, item: { type: "message", role: "user", content } },
    {
      kind: "turnEnded",
      turnId,
      status: "interrupted",
      startedAtMs: startedAt === null ? nowMs : startedAt * 1000,
      completedAtMs: nowMs,
      lastAgentMessage: null,
    },
  ];
}
