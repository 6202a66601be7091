import { afterEach, beforeEach, expect, test } from "vitest";
import { ToolBench } from "./tool-bench.ts";

let bench: ToolBench;
beforeEach(() => {
  bench = new ToolBench();
});
afterEach(() => bench.close());

test("a plan is told, and its steps are checked", async () => {
  expect(
    await bench.call("update_plan", {
      plan: [{ step: "a", status: "in_progress" }],
      explanation: "x",
    }),
  ).toBe("Plan updated");
  expect(bench.plans).toEqual([{ explanation: "x", plan: [{ step: "a", status: "inProgress" }] }]);
  expect(await bench.call("update_plan", { plan: [{ step: "a", status: "maybe" }] })).toBe(
    "failed to parse function arguments: `status` must be one of pending, in_progress, completed",
  );
});

function offered(patchTool: boolean, goals = false): string[] {
  return bench.tools
    .specs({ patchTool, goals, dynamicTools: [] })
    .map((spec) => `${spec.type} ${spec.name}`);
}

test("the tools are offered by what the model knows", () => {
  expect(offered(false)).toEqual([
    "function exec_command",
    "function write_stdin",
    "function view_image",
  ]);
  expect(offered(false, true).slice(3)).toEqual([
    "function get_goal",
    "function create_goal",
    "function update_goal",
  ]);
  expect(offered(true)).toEqual([
    "function exec_command",
    "function write_stdin",
    "function update_plan",
    "custom apply_patch",
    "function view_image",
  ]);
});
