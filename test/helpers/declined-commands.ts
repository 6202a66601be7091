/** Commands of the agent's in one turn, of which people allow none that they are asked about. */
import type { MockModel } from "./mock-model.ts";
import { answer, functionCall, say } from "./mock-model.ts";
import type { HostClient } from "./running-host.ts";
import type { Sent } from "./text-frames.ts";

export interface Outcome {
  /** The commands that somebody was asked about. */
  readonly asked: readonly string[];
  /** What the model was told of each. */
  readonly told: readonly string[];
}

export async function runDeclining(
  { client, model }: { readonly client: HostClient; readonly model: MockModel },
  threadId: string,
  ...scripts: readonly string[]
): Promise<Outcome> {
  const calls = scripts.map((cmd) => functionCall("exec_command", { cmd, login: false }));
  model.enqueue(...calls.map((call) => answer(...call)), say("done"));
  const turnId = await client.startTurn(threadId, "go");
  const asked: string[] = [];
  const seen = new Set<unknown>();
  const isNew = ({ id, method }: Sent): boolean =>
    method?.endsWith("/requestApproval") === true && !seen.has(id);
  for (;;) {
    const question = client.until(isNew);
    const { id, method, params } = await Promise.race([question, client.turnEnded(turnId)]);
    if (method === "turn/completed") break;
    seen.add(id);
    asked.push(String(params?.["command"]));
    client.answer(id, { decision: "decline" });
  }
  const input: unknown = model.requests.at(-1)?.body["input"];
  const outputs = (Array.isArray(input) ? input.map(Object) : []).filter(
    ({ type }) => type === "function_call_output",
  );
  return { asked, told: outputs.slice(-scripts.length).map(({ output }) => String(output)) };
}
