/** A model endpoint for the seeded runs: what a prompt's first word says, with the prompt's own key in all that it does. */
import { setTimeout as delay } from "node:timers/promises";
import { listOf, textIn } from "../helpers/kill-ledger.ts";
import type { MockModel, MockReply, MockRequest, MockStep } from "../helpers/mock-model.ts";
import { answer, messageSteps, say, startMockModel } from "../helpers/mock-model.ts";
import { escalatedCommand, patching, promptIn } from "../helpers/prompted-model.ts";

/** More requests than one home sees. */
const many = 20_000;
const slowPieces = 12;
const pieceMs = 3;
/** Characters of two, three and four bytes: a line can break in the middle of each. */
const wide = "\u00e4\u20ac\u{1f600}";

/** It comes as a delta, with its item and with its turn. */
const longText = wide.repeat(70_000);

/** The file that commands write their key to, in the folder of the run. */
export const counterFile = "counter.txt";

export async function startTalkModel(): Promise<MockModel> {
  const model = await startMockModel();
  model.enqueue(...Array.from({ length: many }, () => replyTo));
  return model;
}

function replyTo(request: MockRequest): MockReply {
  const input = listOf(request.body["input"]);
  const last = input.at(-1) ?? {};
  if (textIn(last, "type").endsWith("_output")) return say("Done ", wide, ".");
  // A goal goes on by itself: nobody said anything.
  if (last["role"] === "developer") return say("Onward ", wide);
  const [word = "", key = ""] = promptIn(input).split(" ");
  if (word === "run") {
    const cmd = `echo ${key} >> ${counterFile}; echo ${wide}`;
    return answer(...messageSteps(["First ", wide]), ...escalatedCommand(cmd));
  }
  if (word === "patch") {
    const patch = `*** Begin Patch\n*** Add File: ${key}.txt\n+${key} ${wide}\n*** End Patch\n`;
    return patching(patch, request);
  }
  if (word === "long") return say(longText);
  return word === "slow" ? answer(...slowly(key)) : say(`${wide} `, `${key} `, wide, " said.");
}

function slowly(key: string): readonly MockStep[] {
  const words = Array.from({ length: slowPieces }, (_, index) => `${key}:${index}${wide} `);
  return messageSteps(words).flatMap((step, index) => [
    step,
    { wait: delay(pieceMs * (index + 1), undefined, { ref: false }) },
  ]);
}
