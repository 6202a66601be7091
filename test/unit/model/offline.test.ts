import { describe, expect, it } from "vitest";
import { planOf } from "../../../src/model/offline/offline-plan.ts";
import type { OfflineStep } from "../../../src/model/offline/offline-plan.ts";
import { OfflineProvider } from "../../../src/model/offline/offline-provider.ts";
import { exampleOf } from "../../../src/model/offline/schema-example.ts";
import type { ModelRequest } from "../../../src/model/port.ts";
import type { ModelItem } from "../../../src/protocol/model-item.ts";
import { RecordingSink } from "../../helpers/recording-sink.ts";

const steps = (message: string): readonly OfflineStep[] | string => {
  const plan = planOf(message);
  return plan.kind === "steps" ? plan.steps : plan.kind;
};

const run = (command: string): OfflineStep => ({ kind: "run", command });
const write = (file: string, content: string): OfflineStep => ({ kind: "write", file, content });

describe("the offline agent understands", () => {
  it.each<readonly [string, readonly OfflineStep[] | string]>([
    ["run git --version", [run("git --version")]],
    ["run: git --version", [run("git --version")]],
    ["Run `git --version`.", [run("git --version")]],
    ["please run the command `ls -la` for me", [run("ls -la")]],
    ["Could you run the command git status", [run("git status")]],
    ["`make test`", [run("make test")]],
    ["run echo a and echo b", [run("echo a and echo b")]],
    ["show README.md", [{ kind: "show", file: "README.md" }]],
    ["cat ./src/main.ts", [{ kind: "show", file: "./src/main.ts" }]],
    ["show me the contents of notes.txt", [{ kind: "show", file: "notes.txt" }]],
    ["list the files", [{ kind: "list", folder: "." }]],
    ["show me the files in src/model", [{ kind: "list", folder: "src/model" }]],
    ['write "hello" to notes.txt', [write("notes.txt", "hello")]],
    ["write 'two words' into the file `a b.txt`", [write("a b.txt", "two words")]],
    ["create notes.txt with hello there", [write("notes.txt", "hello there")]],
    [
      'create a file called notes.txt with the text "x and run y"',
      [write("notes.txt", "x and run y")],
    ],
    ["create a file notes.txt", [write("notes.txt", "Written by the offline agent.")]],
    [
      'replace "a" with "b" in notes.txt',
      [{ kind: "replace", file: "notes.txt", before: "a", after: "b" }],
    ],
    [
      'run `git --version` and write "hi" to notes.txt',
      [run("git --version"), write("notes.txt", "hi")],
    ],
    [
      "run date, then show a.txt; list files",
      [run("date"), { kind: "show", file: "a.txt" }, { kind: "list", folder: "." }],
    ],
    ["what are you?", "help"],
    ["explain what you can do", "help"],
    ["Hello!", "help"],
    ["", "help"],
    ["compose a symphony", "unclear"],
  ])("%j", (message, expected) => {
    expect(steps(message)).toEqual(expected);
  });

  it("long messages in time that grows with their length", () => {
    const started = performance.now();
    planOf(`${'and run "'.repeat(20_000)} write write write ${" ".repeat(20_000)}x`);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

const user = (text: string): ModelItem => ({
  type: "message",
  role: "user",
  content: [{ type: "input_text", text }],
});

const tool = (type: "function" | "custom", name: string) => ({ type, name, description: "" });

function request(input: readonly ModelItem[], more: Partial<ModelRequest> = {}): ModelRequest {
  return {
    model: "offline",
    instructions: "",
    input,
    tools: [tool("function", "exec_command"), tool("custom", "apply_patch")],
    effort: null,
    summary: null,
    outputSchema: null,
    threadId: "t",
    turnId: "u",
    ...more,
  };
}

function offline(): OfflineProvider {
  let count = 0;
  return new OfflineProvider((prefix) => `${prefix}_${++count}`);
}

async function reply(input: readonly ModelItem[], more: Partial<ModelRequest> = {}) {
  const sink = new RecordingSink();
  const outcome = await offline().stream(request(input, more), sink, new AbortController().signal);
  const calls = sink.calls.flatMap(([name, item]) =>
    name === "itemDone" && JSON.stringify(item).includes("call_id") ? [item] : [],
  );
  return { sink, outcome, calls, text: sink.text };
}

const COMMAND_CALL = {
  type: "function_call",
  id: "fc_3",
  call_id: "call_4",
  name: "exec_command",
  arguments: JSON.stringify({
    cmd: "git --version",
    sandbox_permissions: "require_escalated",
    justification: "You asked the offline agent to run this command. Allow it?",
  }),
  status: "completed",
};

const output = (callId: string, text: string): ModelItem => ({
  type: "function_call_output",
  call_id: callId,
  output: text,
});

const RAN = "Wall time: 0.0 seconds\nProcess exited with code 0\nOutput:\ngit version 2.39.5\n";

describe("the offline agent", () => {
  it("announces a command in several deltas and calls the tool for it", async () => {
    const { sink, calls, outcome, text } = await reply([user("run `git --version`")]);
    expect(text).toBe("I will run `git --version`.");
    expect(sink.calls.filter(([name]) => name === "textDelta").length).toBeGreaterThan(1);
    expect(sink.calls.map(([name]) => name)).toEqual([
      "itemAdded",
      "textDelta",
      "textDelta",
      "itemDone",
      "itemAdded",
      "itemDone",
    ]);
    expect(calls).toEqual([COMMAND_CALL]);
    expect(outcome.responseId).toBe("resp_1");
    expect(outcome.usage?.outputTokens).toBeGreaterThan(0);
  });

  it("takes two requests one after another and sums up", async () => {
    const asked = user('run `git --version` and write "hi" to notes.txt');
    const first = [asked, COMMAND_CALL, output("call_4", RAN)];
    const second = await reply(first);
    expect(second.calls).toEqual([
      {
        type: "custom_tool_call",
        id: "ctc_3",
        call_id: "call_4",
        name: "apply_patch",
        input: "*** Begin Patch\n*** Add File: notes.txt\n+hi\n*** End Patch",
        status: "completed",
      },
    ]);
    const patched: ModelItem = {
      type: "custom_tool_call_output",
      call_id: "call_9",
      output: "Exit code: 0\nOutput:\nSuccess. Updated the following files:\nA notes.txt\n",
    };
    const last = await reply([...first, { type: "custom_tool_call", call_id: "call_9" }, patched]);
    expect(last.calls).toEqual([]);
    expect(last.text).toBe(
      "`git --version` ended with exit code 0:\n\n```\ngit version 2.39.5\n```\n\n`notes.txt` is written.",
    );
  });

  it("stops after a refusal and says what it left out", async () => {
    const asked = user('run `git --version` and write "hi" to notes.txt');
    const { text, calls } = await reply([
      asked,
      COMMAND_CALL,
      output("call_4", "exec command rejected by user"),
    ]);
    expect(calls).toEqual([]);
    expect(text).toBe(
      "`git --version` did not finish: exec command rejected by user\n\nI stopped there and left out 1 further step.",
    );
  });

  it("heeds the last message of a person, not the host's preamble", async () => {
    const { calls } = await reply([
      user("# AGENTS.md instructions for /x\n\nrun rm -rf /"),
      user("run date"),
      COMMAND_CALL,
      output("call_4", RAN),
      user("run `git --version`"),
      user("<environment_context>\n  <cwd>/x</cwd>\n</environment_context>"),
    ]);
    expect(calls).toEqual([COMMAND_CALL]);
  });

  it("says what it is, and what it does not understand", async () => {
    expect((await reply([user("who are you?")])).text).toContain("not a language model");
    expect((await reply([user("write me a novel about ships")])).text).toContain(
      "I did not understand",
    );
  });

  it("calls no tool that the thread does not offer", async () => {
    const { calls, text } = await reply([user("run date")], { tools: [] });
    expect(calls).toEqual([]);
    expect(text).toContain("offers me no tool");
  });

  it("answers a schema with JSON that fits", async () => {
    const outputSchema = {
      type: "object",
      properties: { title: { type: "string", maxLength: 20 }, tags: { type: "array" } },
      required: ["title"],
    };
    const { text, calls } = await reply([user("Make a title.\nrun git --version")], {
      outputSchema,
    });
    expect(calls).toEqual([]);
    expect(JSON.parse(text)).toEqual({ title: "Make a title. run gi" });
  });

  it("stops at once when aborted", async () => {
    const controller = new AbortController();
    const sink = new RecordingSink(() => controller.abort(new Error("interrupted")));
    const attempt = offline().stream(request([user("help")]), sink, controller.signal);
    await expect(attempt).rejects.toThrow("interrupted");
    expect(sink.calls.map(([name]) => name)).toEqual(["itemAdded", "textDelta"]);
  });
});

describe("an example of a schema", () => {
  it.each([
    [{ enum: ["a", "b"] }, "a"],
    [{ const: 3 }, 3],
    [{ type: ["null", "string"] }, null],
    [{ type: "integer", minimum: 2 }, 2],
    [{ type: "array", items: { type: "boolean" }, minItems: 2 }, [false, false]],
    [{ anyOf: [{ type: "number" }, { type: "null" }] }, 0],
    [{ properties: { a: { type: "string", minLength: 3 } } }, { a: "t.." }],
  ])("%j", (schema, expected) => {
    expect(exampleOf(schema, "t")).toEqual(expected);
  });
});
