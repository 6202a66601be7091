import { describe, expect, it } from "vitest";
import { z } from "zod";
import { method } from "../../../src/dispatch/define.ts";
import type { Caller } from "../../../src/dispatch/dispatcher.ts";
import { fields, Params, callerOf, bench, errorsOf, refusal } from "./dispatcher-bench.ts";

describe("refusals", () => {
  const guarded = method({
    ...fields,
    name: "guarded",
    stability: "experimental",
    role: "admin",
    params: z.looseObject({ count: z.number() }),
    handle: () => "done",
  });
  const fielded = method({
    ...fields,
    name: "fielded",
    params: z.looseObject({ plain: z.string().optional() }),
    experimentalParams: [
      "fresh",
      { member: "choice", isPresent: (value) => value !== null, called: "a choice" },
    ],
    handle: () => "done",
  });
  const begin = method({
    ...fields,
    name: "begin",
    params: Params,
    beforeInitialize: true,
    handle: () => "begun",
  });
  const refuse = (name: string, params: unknown, caller: Caller): unknown => {
    const { call, answers } = bench([guarded, fielded, begin]);
    call(name, params, caller);
    return errorsOf(answers)[0];
  };
  const stranger = callerOf({ role: "viewer", initialized: false, experimental: false });

  it("come in a fixed order: unknown method, params, not initialized, experimental, role", () => {
    expect(refuse("nothing", {}, stranger)).toEqual(
      refusal("Invalid request: unknown method `nothing`"),
    );
    expect(refuse("guarded", { count: "1" }, stranger)).toEqual(
      refusal("Invalid request: count: Invalid input: expected number, received string"),
    );
    expect(refuse("guarded", { count: 1 }, stranger)).toEqual(refusal("Not initialized"));
    expect(refuse("guarded", { count: 1 }, { ...stranger, initialized: true })).toEqual(
      refusal("guarded requires experimentalApi capability"),
    );
    expect(
      refuse("guarded", { count: 1 }, { ...stranger, initialized: true, experimental: true }),
    ).toEqual(
      refusal("guarded needs the role admin; this connection has viewer. An admin can change it."),
    );
    expect(refuse("guarded", { count: 1 }, callerOf())).toBe("done");
  });

  it("name missing params", () => {
    for (const params of [undefined, null]) {
      expect(refuse("guarded", params, callerOf())).toEqual(
        refusal("Invalid request: missing field `params`"),
      );
    }
  });

  it("gate experimental fields that are neither null nor false, known or not to the schema", () => {
    const stable = callerOf({ experimental: false });
    const message = "fielded.fresh requires experimentalApi capability";
    for (const fresh of [1, 0, "", "x", [], {}, true]) {
      expect(refuse("fielded", { fresh }, stable)).toEqual(refusal(message));
    }
    for (const fresh of [null, false]) {
      expect(refuse("fielded", { fresh, other: 1 }, stable)).toBe("done");
    }
    expect(refuse("fielded", { fresh: 1 }, callerOf())).toBe("done");
  });

  it("gate what a field says for itself, and name the first one of the declaration", () => {
    const stable = callerOf({ experimental: false });
    const even = (value: unknown) => refuse("fielded", { choice: value }, stable);
    expect(even(false)).toEqual(refusal("a choice requires experimentalApi capability"));
    expect(even(null)).toBe("done");
    expect(refuse("fielded", { choice: true, fresh: 1 }, stable)).toEqual(
      refusal("fielded.fresh requires experimentalApi capability"),
    );
  });

  it("let initialize come once", () => {
    expect(refuse("begin", {}, stranger)).toBe("begun");
    expect(refuse("begin", {}, callerOf())).toEqual(refusal("Already initialized"));
  });

  it("take members of Object for no methods", () => {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      expect(refuse(name, {}, callerOf())).toEqual(
        refusal(`Invalid request: unknown method \`${name}\``),
      );
    }
  });

  it("do not accept two methods of one name", () => {
    expect(() => bench([begin, begin])).toThrow("two methods share a name");
  });
});
