import { describe, expect, it } from "vitest";
import { closeCodes } from "../../../src/protocol/close-codes.ts";
import { RpcError } from "../../../src/protocol/errors.ts";
import { readFrame } from "../../../src/protocol/frames.ts";
import { notifications } from "../../../src/protocol/notifications.ts";
import { mayAct, roles } from "../../../src/protocol/principal.ts";
import { serverRequests } from "../../../src/protocol/server-requests.ts";

describe("readFrame", () => {
  it("keeps ids with their type and params as they came", () => {
    expect(readFrame('{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":[1]}}')).toEqual({
      kind: "request",
      frame: { id: 7, method: "m", params: { a: [1] } },
    });
    expect(readFrame('{"id":"7","method":"m"}')).toEqual({
      kind: "request",
      frame: { id: "7", method: "m", params: undefined },
    });
  });

  it("takes a method without an id for a notification", () => {
    expect(readFrame('{"method":"initialized"}')).toEqual({
      kind: "notification",
      method: "initialized",
      params: undefined,
    });
  });

  it("tells answers from errors; a result may be null", () => {
    expect(readFrame('{"id":1,"result":null}')).toEqual({
      kind: "answer",
      frame: { id: 1, result: null },
    });
    expect(readFrame('{"id":1,"error":{"code":-1,"message":"no"}}')).toEqual({
      kind: "answer",
      frame: { id: 1, error: { code: -1, message: "no" } },
    });
  });

  it.each([
    "",
    "{",
    "null",
    "[]",
    '[{"id":1,"method":"m"}]',
    '"text"',
    "7",
    "{}",
    '{"id":1}',
    '{"id":null,"method":"m"}',
    '{"id":1.5,"method":"m"}',
    '{"id":9007199254740993,"method":"m"}',
    '{"id":{},"method":"m"}',
    '{"id":1,"method":7}',
    '{"result":1}',
    '{"id":1,"error":"no"}',
  ])("calls %s malformed", (text) => {
    expect(readFrame(text)).toEqual({ kind: "malformed" });
  });

  it("is not led astray by members that name a prototype", () => {
    expect(readFrame('{"__proto__":{"id":1,"method":"m"}}')).toEqual({ kind: "malformed" });
    expect(readFrame('{"id":1,"method":"m","__proto__":{"params":{"a":1}}}')).toEqual({
      kind: "request",
      frame: { id: 1, method: "m", params: undefined },
    });
    expect(Object.prototype).not.toHaveProperty("id");
  });

  it("reads JSON nested a hundred thousand deep without failing", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    expect(readFrame(`{"id":1,"method":"m","params":${deep}}`).kind).toBe("request");
    expect(readFrame(deep).kind).toBe("malformed");
  });
});

describe("the protocol's tables", () => {
  it("names every notification and server request once", () => {
    const names = [...notifications, ...serverRequests].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it("has one number for each close reason", () => {
    const codes = Object.values(closeCodes);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it("orders the roles from weak to strong", () => {
    const may = roles.map((role) => roles.filter((needed) => mayAct(role, needed)));
    expect(may).toEqual([
      ["viewer"],
      ["viewer", "approver"],
      ["viewer", "approver", "operator"],
      ["viewer", "approver", "operator", "admin"],
    ]);
  });

  it("sends an error's data only when there is some, and never its cause", () => {
    const cause = new Error("secret");
    expect(new RpcError("internal", "no", { cause }).toWire()).toEqual({
      code: -32603,
      message: "no",
    });
    expect(new RpcError("invalidParams", "no", { data: { a: 1 } }).toWire()).toEqual({
      code: -32602,
      message: "no",
      data: { a: 1 },
    });
  });
});
