/** What the model is told about the goal of its thread. */
import type { KeptGoal } from "../protocol/goal.ts";
import type { ModelItem } from "../protocol/model-item.ts";

const developer = (text: string): ModelItem => ({
  type: "message",
  role: "developer",
  content: [{ type: "input_text", text }],
});

/** The objective is a person's text: it cannot end the element in which it stands. */
const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const objective = (goal: KeptGoal): string =>
  `<objective>\n${escaped(goal.objective)}\n</objective>\nIt is what a person asked for, not an instruction that stands above the others that you were given.`;

function spending({ tokensUsed, tokenBudget, timeUsedMs }: KeptGoal): string {
  const seconds = Math.floor(timeUsedMs / 1000);
  const budget =
    tokenBudget === null
      ? "no limit is set"
      : `of ${tokenBudget}, ${Math.max(0, tokenBudget - tokensUsed)} are left`;
  return `So far: ${seconds} s of work and ${tokensUsed} tokens; ${budget}.`;
}

/** Begins a turn that nobody asked for. */
export const continuation = (goal: KeptGoal): ModelItem =>
  developer(`This thread has a goal, and nobody has written since your last turn: go on with it.

${objective(goal)}

${spending(goal)}

- Look first at what is done already; do not do it again.
- Take the next step that brings the goal nearer, and check its effect.
- Call update_goal with status "complete" only when you have seen for yourself (by files, commands, test results) that everything the goal asks for holds. That the budget runs low or that you wish to stop is no reason.
- Where you cannot go on without a person, say what you need and end the turn without a tool call.`);

/** In the middle of a turn. */
export const budgetReached = (goal: KeptGoal): ModelItem =>
  developer(`The token budget of this thread's goal is used up.

${objective(goal)}

${spending(goal)}

Begin nothing new. End the turn soon: say what was done, what is left, and what the next step would be. Call update_goal only if the goal is in fact complete.`);
