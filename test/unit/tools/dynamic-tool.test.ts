import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DynamicToolFunction } from "../../../src/protocol/dynamic-tools.ts";
import type { ToolOutput } from "../../../src/tools/port.ts";
import { ToolBench } from "./tool-bench.ts";

let bench: ToolBench;
beforeEach(() => {
  bench = new ToolBench();
});
afterEach(() => bench.close());

const inputSchema = { type: "object", properties: { id: { type: "string" } } };
const tool = (name: string, more: object = {}): DynamicToolFunction => ({
  type: "function",
  name,
  description: `about ${name}`,
  inputSchema,
  ...more,
});

const shown = (name: string) => ({
  type: "function",
  name,
  description: `about ${name}`,
  strict: false,
  parameters: inputSchema,
});

const call = (name: string, namespace: string | null, input = "{}"): Promise<ToolOutput> =>
  bench.tools.run(
    { callId: "c1", name, kind: "function", namespace, arguments: input },
    bench.context(),
  );

describe("tools that a client offers", () => {
  test("are described to the model, deferred ones left out", () => {
    const space = { type: "namespace", description: "about it" } as const;
    expect(
      bench.tools
        .specs({
          patchTool: false,
          goals: false,
          dynamicTools: [
            tool("flat"),
            tool("late", { deferLoading: true }),
            { ...space, name: "mixed", tools: [tool("a"), tool("b", { deferLoading: true })] },
            { ...space, name: "later", tools: [tool("c", { deferLoading: true })] },
          ],
        })
        .slice(3),
    ).toEqual([shown("flat"), { ...space, name: "mixed", tools: [shown("a")] }]);
  });

  test("are run by the client, and the item says how", async () => {
    bench.dynamicTools = [{ type: "namespace", name: "n", description: "", tools: [tool("look")] }];
    const asked: unknown[] = [];
    bench.askClient = async ({ name, namespace }, input) => {
      asked.push([namespace, name, input]);
      return { contentItems: [{ type: "inputText", text: "found" }], success: true };
    };
    expect(await call("look", "n", '{"id":"A"}')).toEqual({ output: "found" });
    expect(asked).toEqual([["n", "look", { id: "A" }]]);
    const [started] = bench.items("started");
    expect(started).toMatchObject({
      type: "dynamicToolCall",
      id: "c1",
      namespace: "n",
      tool: "look",
      arguments: { id: "A" },
      status: "inProgress",
    });
    expect(bench.items("completed")).toEqual([
      {
        ...started,
        status: "completed",
        success: true,
        contentItems: [{ type: "inputText", text: "found" }],
        durationMs: expect.any(Number),
        completedAtMs: expect.any(Number),
      },
    ]);
  });

  test("may answer with pictures", async () => {
    bench.dynamicTools = [tool("look")];
    const contentItems = [
      { type: "inputText" as const, text: "see" },
      { type: "inputImage" as const, imageUrl: "data:image/png;base64,AA==" },
    ];
    bench.askClient = () => Promise.resolve({ contentItems, success: true });
    expect((await call("look", null)).output).toEqual([
      { type: "input_text", text: "see" },
      { type: "input_image", image_url: "data:image/png;base64,AA==" },
    ]);
  });

  test("fail alone when the client's answer makes no sense", async () => {
    bench.dynamicTools = [tool("look")];
    expect(await call("look", null)).toEqual({ output: "dynamic tool request failed" });
    expect(bench.items("completed")).toMatchObject([{ status: "failed", success: false }]);
  });

  test("are called by their whole name and with JSON", async () => {
    bench.dynamicTools = [
      { type: "namespace", name: "n", description: "", tools: [tool("look")] },
      tool("flat"),
    ];
    expect(await call("look", null)).toEqual({ output: "unsupported call: look" });
    expect(await call("flat", "n")).toEqual({ output: "unsupported call: flat" });
    expect(await call("exec_command", "n")).toEqual({ output: "unsupported call: exec_command" });
    expect((await call("flat", null, "no json")).output).toMatch(
      /^failed to parse function arguments: /,
    );
    expect(bench.items("started")).toEqual([]);
  });
});
