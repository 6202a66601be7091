import { expect, test } from "vitest";
import { injectedItem } from "../../../src/features/injected-item.ts";

const faultOf = (item: unknown): string => {
  try {
    injectedItem(item, 3);
    return "none";
  } catch (error) {
    return error instanceof Error
      ? error.message.replace("items[3] is not a valid response item: ", "")
      : String(error);
  }
};

const call = { type: "function_call", name: "x" };
const message = (content: unknown) => ({ type: "message", role: "user", content });

test.each([
  [null, "invalid type: null, expected internally tagged enum ResponseItem"],
  [5, "invalid type: integer `5`, expected internally tagged enum ResponseItem"],
  [1.5, "invalid type: floating point `1.5`, expected internally tagged enum ResponseItem"],
  [true, "invalid type: boolean `true`, expected internally tagged enum ResponseItem"],
  ["x", 'invalid type: string "x", expected internally tagged enum ResponseItem'],
  [[], "missing field `type`"],
  [{}, "missing field `type`"],
  [{ type: 5 }, "invalid type: number, expected variant identifier"],
  [{ type: "message" }, "missing field `role`"],
  [{ type: "message", role: 5, content: [] }, "invalid type: integer `5`, expected a string"],
  [{ type: "message", role: "user" }, "missing field `content`"],
  [message("text"), 'invalid type: string "text", expected a sequence'],
  [message({}), "invalid type: map, expected a sequence"],
  [message(null), "invalid type: null, expected a sequence"],
  [message(["x"]), 'invalid type: string "x", expected internally tagged enum ContentItem'],
  [message([{}]), "missing field `type`"],
  [message([{ type: "input_text" }]), "missing field `text`"],
  [message([{ type: "output_text", text: 5 }]), "invalid type: integer `5`, expected a string"],
  [
    message([{ type: "bogus" }]),
    "unknown variant `bogus`, expected one of `input_text`, `input_image`, `input_audio`, `output_text`",
  ],
  [message([{ type: "input_image", image_url: "data:" }]), "none"],
  [call, "missing field `arguments`"],
  [{ ...call, arguments: {} }, "invalid type: map, expected a string"],
  [{ ...call, arguments: "{}" }, "missing field `call_id`"],
  [{ ...call, arguments: "{}", call_id: "c" }, "none"],
  [{ type: "function_call_output", output: "o" }, "none"],
  [{ type: "custom_tool_call", call_id: "c", name: "n" }, "missing field `input`"],
  [{ type: "reasoning" }, "missing field `summary`"],
  [{ type: "something_new" }, "none"],
])("an injected item %j: %s", (item, fault) => {
  expect(faultOf(item)).toBe(fault);
});
