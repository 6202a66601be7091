/** `update_plan`: the model's list of steps, shown to people. */
import { isRecord } from "../util/is-record.ts";
import type { PlanUpdate, ToolCall, ToolContext, ToolOutput } from "./port.ts";
import { Arguments } from "./tool-arguments.ts";

type PlanStep = PlanUpdate["plan"][number];

export function updatePlan(call: ToolCall, context: ToolContext): ToolOutput {
  const input = new Arguments(call.arguments);
  const explanation = input.optionalText("explanation") ?? null;
  const plan = input.list("plan").map((entry) => readStep(entry, input));
  context.planUpdated({ explanation, plan });
  return { output: "Plan updated" };
}

function readStep(entry: unknown, input: Arguments): PlanStep {
  const step = isRecord(entry) ? entry["step"] : undefined;
  if (!isRecord(entry) || typeof step !== "string") {
    return input.refuse("each entry of `plan` needs a `step`");
  }
  switch (entry["status"]) {
    case "pending":
    case "completed":
      return { step, status: entry["status"] };
    case "in_progress":
      return { step, status: "inProgress" };
    default:
      return input.refuse("`status` must be one of pending, in_progress, completed");
  }
}
