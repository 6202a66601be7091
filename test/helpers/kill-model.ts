/** A model endpoint for hosts that are killed: goes by the prompt, and checks what it is sent. */
import { setTimeout as delay } from "node:timers/promises";
import { listOf, textIn } from "./kill-ledger.ts";
import type { Json } from "./kill-peer.ts";
import { patchOf } from "./kill-workspace.ts";
import type { MockModel, MockReply, MockRequest, MockStep } from "./mock-model.ts";
import { answer, messageSteps, refusal, say, startMockModel } from "./mock-model.ts";
import { escalatedCommand, patching, promptIn } from "./prompted-model.ts";

/** More requests than one home sees. */
const many = 20_000;
const pieces = 24;
const pieceMs = 4;
/** The last word of a message that was said to its end. */
export const lastWord = "END";

export interface KillModel extends MockModel {
  /** What was wrong with a request. */
  readonly problems: readonly string[];
}

export async function startKillModel(): Promise<KillModel> {
  const model = await startMockModel();
  const problems: string[] = [];
  const reply = (request: MockRequest): MockReply => {
    const input = listOf(request.body["input"]);
    const problem = problemIn(input);
    if (problem === undefined) return replyTo(input, request);
    problems.push(problem);
    return refusal(400);
  };
  model.enqueue(...Array.from({ length: many }, () => reply));
  return Object.assign(model, { problems });
}

/** Endpoints refuse a call without its output, and an output without its call. */
function problemIn(input: readonly Json[]): string | undefined {
  const ids = (pattern: RegExp): string[] =>
    input
      .filter((item) => pattern.test(textIn(item, "type")))
      .map((item) => textIn(item, "call_id"));
  const calls = ids(/_call$/)
    .toSorted()
    .join();
  const outputs = ids(/_call_output$/)
    .toSorted()
    .join();
  return calls === outputs ? undefined : `calls ${calls} have the outputs ${outputs}`;
}

function replyTo(input: readonly Json[], request: MockRequest): MockReply {
  if (textIn(input.at(-1) ?? {}, "type").endsWith("_output")) return say("Done. ", lastWord);
  const [word = "", ...rest] = promptIn(input).split(" ");
  if (word === "run") {
    return answer(...escalatedCommand(`echo ${rest.join(" ")}`));
  }
  if (word === "patch") {
    const [slot = "", from = "", to = ""] = rest;
    return patching(patchOf(slot, Number(from), Number(to)), request);
  }
  return word === "brief" ? say("Here. ", lastWord) : answer(...slowly(rest.join(" ")));
}

function slowly(topic: string): readonly MockStep[] {
  const words = Array.from({ length: pieces }, (_, index) => `${topic}:${index} `);
  return messageSteps([...words, lastWord]).flatMap((step, index) => [
    step,
    { wait: delay(pieceMs * (index + 1), undefined, { ref: false }) },
  ]);
}

/** Whether a turn's items are those of one that came to its end: its message, or its compaction. */
export const isFinished = (turn: Json): boolean =>
  listOf(turn["items"]).some(
    (item) =>
      item["type"] === "contextCompaction" ||
      (item["type"] === "agentMessage" && textIn(item, "text").endsWith(lastWord)),
  );
