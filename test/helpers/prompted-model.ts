/** Replies that go by what a person wrote last, whatever order requests come in. */
import { setTimeout as delay } from "node:timers/promises";
import type { MockModel, MockReply, MockRequest, MockStep } from "./mock-model.ts";
import { answer, customCall, functionCall, messageSteps, say } from "./mock-model.ts";

/** More requests than any test makes. */
const many = 200;

/**
 * `run: COMMAND` is called with escalated rights, `patch: FILE` adds a file, `slow` says a word every
 * 100 ms, a request with a schema gets a title; anything else is repeated.
 */
export function replyByPrompt(model: MockModel): void {
  model.enqueue(...Array.from({ length: many }, () => reply));
}

function reply(request: MockRequest): MockReply {
  const input: unknown[] = Array.isArray(request.body["input"]) ? request.body["input"] : [];
  const last = Object(input.at(-1));
  if (String(last["type"]).endsWith("_output")) return say("TOOL-DONE");
  if (JSON.stringify(request.body["text"] ?? "").includes("json_schema")) {
    return say(JSON.stringify({ title: "A title" }));
  }
  return replyTo(promptIn(input), request);
}

function replyTo(prompt: string, request: MockRequest): MockReply {
  const [, word = "", rest = ""] = /^(run|patch): (.*)$/s.exec(prompt) ?? [];
  if (word === "run") return answer(...escalatedCommand(rest));
  if (word === "patch") {
    const patch = `*** Begin Patch\n*** Add File: ${rest}\n+a line of the patch\n*** End Patch\n`;
    return patching(patch, request);
  }
  return prompt === "slow" ? answer(...slowSteps()) : say("ANSWER: ", prompt);
}

function slowSteps(): readonly MockStep[] {
  const steps = messageSteps(Array.from({ length: 300 }, (_, index) => `word${index} `));
  return steps.flatMap((step, index) => [
    step,
    { wait: delay(100 * (index + 1), undefined, { ref: false }) },
  ]);
}

/** A command that asks for more than the sandbox gives. */
export const escalatedCommand = (cmd: string, callId?: string): readonly MockStep[] =>
  functionCall(
    "exec_command",
    { cmd, sandbox_permissions: "require_escalated", justification: "a test wants it" },
    callId,
  );

/** The patch by the tool for patches, or in the shell where the request offers no such tool. */
export const patching = (patch: string, { body }: MockRequest): MockReply =>
  JSON.stringify(body["tools"] ?? []).includes('"name":"apply_patch"')
    ? answer(...customCall("apply_patch", patch))
    : answer(...functionCall("exec_command", { cmd: `apply_patch <<'EOF'\n${patch}EOF\n` }));

/** What a person wrote last; what programs put in begins with a tag or a heading. */
export function promptIn(input: readonly unknown[]): string {
  const texts = input.flatMap((item) => {
    const { role, content } = Object(item);
    return role === "user" ? [textIn(content).trim()] : [];
  });
  return texts.findLast((text) => !/^(<|# AGENTS)/.test(text)) ?? "";
}

function textIn(content: unknown): string {
  if (typeof content === "string") return content;
  const parts: unknown[] = Array.isArray(content) ? content : [];
  return parts.map((part) => String(Object(part)["text"] ?? "")).join("");
}
