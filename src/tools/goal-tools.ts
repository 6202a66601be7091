/** `get_goal`, `create_goal`, `update_goal`: the model's hand on what its thread works towards. */
import { isRecord } from "../util/is-record.ts";
import type { GoalReport, GoalTools, ToolCall, ToolContext, ToolOutput } from "./port.ts";
import { Arguments, CallError } from "./tool-arguments.ts";

export async function runGoalTool(
  call: ToolCall,
  { goals }: ToolContext,
): Promise<ToolOutput | undefined> {
  if (!goals) return undefined;
  const input = new Arguments(call.arguments);
  switch (call.name) {
    case "get_goal":
      return outputOf(await goals.get(), null);
    case "create_goal":
      return outputOf(await create(input, goals), null);
    case "update_goal":
      return outputOf(await complete(input, goals), completionReport);
    default:
      return undefined;
  }
}

const completionReport =
  "The goal is complete. Tell the person so, with the tokens used of the budget and the time, where this result has them.";

function create(input: Arguments, goals: GoalTools): Promise<GoalReport | { refusal: string }> {
  const objective = input.text("objective");
  const tokenBudget = input.optionalCount("token_budget") ?? null;
  if (tokenBudget === 0) throw new CallError("goal budgets must be positive when provided");
  return goals.create(objective, tokenBudget);
}

function complete(input: Arguments, goals: GoalTools): Promise<GoalReport | { refusal: string }> {
  if (input.text("status") !== "complete") {
    throw new CallError(
      'update_goal takes the status "complete" alone; a person or the host sets the others',
    );
  }
  return goals.complete();
}

function outputOf(
  report: GoalReport | { readonly refusal: string },
  completionBudgetReport: string | null,
): ToolOutput {
  if (isRecord(report) && typeof report["refusal"] === "string") {
    return { output: report["refusal"] };
  }
  return { output: JSON.stringify({ ...report, completionBudgetReport }) };
}
