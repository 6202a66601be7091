import { describe, expect, it } from "vitest";
import { sendableHistory } from "../../../src/threads/model-history.ts";

const call = (id: string, type = "function_call") => ({ type, call_id: id, name: "x" });
const output = (id: string, text: string, type = "function_call_output") => ({
  type,
  call_id: id,
  output: text,
});
const message = { type: "message", role: "user", content: [] };

describe("the history that an endpoint is sent", () => {
  it("has each output right behind its call, whatever came between", () => {
    expect(
      sendableHistory([call("a"), call("b"), message, output("b", "B"), output("a", "A")]),
    ).toEqual([call("a"), output("a", "A"), call("b"), output("b", "B"), message]);
  });

  it("says of a call that was cut off that it was", () => {
    expect(sendableHistory([call("a"), call("b", "custom_tool_call"), message])).toEqual([
      call("a"),
      output("a", "aborted before it was done"),
      call("b", "custom_tool_call"),
      output("b", "aborted before it was done", "custom_tool_call_output"),
      message,
    ]);
  });

  it("leaves out outputs without a call", () => {
    expect(sendableHistory([output("a", "A"), message])).toEqual([message]);
  });

  it("pairs by place where an endpoint uses an id again", () => {
    expect(
      sendableHistory([
        call("a"),
        output("a", "1"),
        message,
        call("a"),
        output("a", "2"),
        call("a"),
      ]),
    ).toEqual([
      call("a"),
      output("a", "1"),
      message,
      call("a"),
      output("a", "2"),
      call("a"),
      output("a", "aborted before it was done"),
    ]);
  });

  it("keeps outputs of calls of other kinds", () => {
    const shell = call("a", "local_shell_call");
    expect(sendableHistory([shell, output("a", "A")])).toEqual([shell, output("a", "A")]);
  });
});
