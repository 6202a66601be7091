/** The tool call that performs one step of the offline agent. */
import type { ModelItem } from "../../protocol/model-item.ts";
import { unreachable } from "../../util/unreachable.ts";
import type { OfflineStep } from "./offline-plan.ts";
import { justification } from "./offline-words.ts";

export type NewId = (prefix: "resp" | "msg" | "fc" | "ctc" | "call") => string;

/** The tool that a step needs. */
export const toolOf = (step: OfflineStep): "exec_command" | "apply_patch" =>
  step.kind === "write" || step.kind === "replace" ? "apply_patch" : "exec_command";

export function callOf(step: OfflineStep, newId: NewId): ModelItem {
  switch (step.kind) {
    case "run":
      return commandCall(step, step.command, newId);
    case "show":
      return commandCall(step, `cat -- ${shellWord(step.file)}`, newId);
    case "list":
      return commandCall(step, `ls -la -- ${shellWord(step.folder)}`, newId);
    case "write":
      return patchCall(patch(`Add File: ${step.file}`, marked("+", step.content)), newId);
    case "replace": {
      const lines = ["@@", ...marked("-", step.before), ...marked("+", step.after)];
      return patchCall(patch(`Update File: ${step.file}`, lines), newId);
    }
    default:
      return unreachable(step);
  }
}

const commandCall = (step: OfflineStep, cmd: string, newId: NewId): ModelItem => ({
  type: "function_call",
  id: newId("fc"),
  call_id: newId("call"),
  name: "exec_command",
  arguments: JSON.stringify({
    cmd,
    sandbox_permissions: "require_escalated",
    justification: justification(step),
  }),
  status: "completed",
});

const patchCall = (input: string, newId: NewId): ModelItem => ({
  type: "custom_tool_call",
  id: newId("ctc"),
  call_id: newId("call"),
  name: "apply_patch",
  input,
  status: "completed",
});

const patch = (heading: string, lines: readonly string[]): string =>
  ["*** Begin Patch", `*** ${heading}`, ...lines, "*** End Patch"].join("\n");

const marked = (mark: string, text: string): readonly string[] =>
  text.split("\n").map((line) => mark + line);

const shellWord = (text: string): string =>
  /^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
