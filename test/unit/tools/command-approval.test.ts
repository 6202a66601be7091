import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ToolBench } from "./tool-bench.ts";

let bench: ToolBench;
beforeEach(() => {
  bench = new ToolBench();
});
afterEach(() => bench.close());

describe("approval of a command", () => {
  beforeEach(() => {
    bench.sandboxPolicy = { type: "readOnly", networkAccess: false };
  });

  test("comes after the item and before the command", async () => {
    bench.verdict = () => {
      expect(existsSync(join(bench.folder, "made"))).toBe(false);
      return Promise.resolve("run");
    };
    await bench.exec("touch made", {
      sandbox_permissions: "require_escalated",
      justification: "May I?",
    });
    expect(existsSync(join(bench.folder, "made"))).toBe(true);
    expect(bench.told).toMatchObject([
      { kind: "started", item: { processId: null, source: "agent", status: "inProgress" } },
      {
        kind: "asked",
        question: {
          itemId: "call_1",
          command: ["/bin/bash", "-lc", "touch made"],
          commandLine: "/bin/bash -lc 'touch made'",
          cwd: bench.folder,
          escalated: true,
          reason: "May I?",
          actions: [{ type: "unknown", command: "touch made" }],
        },
      },
      {
        kind: "completed",
        item: { processId: expect.any(String), source: "unifiedExecStartup", status: "completed" },
      },
    ]);
  });

  test("is asked for every command while there is no sandbox", async () => {
    await bench.exec("true");
    expect(bench.told[1]).toMatchObject({
      kind: "asked",
      question: { reason: expect.stringContaining("no sandbox") },
    });
  });

  test.each([
    ["declined", /rejected by the user/],
    ["failed", /approval request failed/],
  ] as const)("that ends %s runs nothing", async (verdict, text) => {
    bench.verdict = () => Promise.resolve(verdict);
    expect(await bench.exec("touch made")).toMatch(text);
    expect(existsSync(join(bench.folder, "made"))).toBe(false);
    expect(bench.items("completed")).toMatchObject([
      { status: verdict, exitCode: null, aggregatedOutput: null, processId: null, source: "agent" },
    ]);
  });

  test("that is cut off by an interrupt declines the item and rejects", async () => {
    bench.verdict = () => {
      bench.abort.abort(new Error("interrupted"));
      return Promise.resolve("declined");
    };
    await expect(bench.exec("touch made")).rejects.toThrow("interrupted");
    expect(bench.items("completed")).toMatchObject([{ status: "declined" }]);
  });

  test("is never asked under never: an escalated command makes no item", async () => {
    bench.approvalPolicy = "never";
    expect(await bench.exec("touch made", { sandbox_permissions: "require_escalated" })).toBe(
      "approval policy is Never; reject command — you cannot ask for escalated permissions if the approval policy is Never",
    );
    expect(bench.told).toEqual([]);
  });

  test("is never asked under never: a plain command fails and says why", async () => {
    bench.approvalPolicy = "never";
    const output = await bench.exec("touch made");
    expect(output).toMatch(/approval policy is `never`.*danger-full-access/s);
    expect(existsSync(join(bench.folder, "made"))).toBe(false);
    expect(bench.items("completed")).toMatchObject([
      { status: "failed", aggregatedOutput: output },
    ]);
  });
});
