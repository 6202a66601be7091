import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ConfigError } from "../../../src/config/port.ts";
import type { Method } from "../../../src/dispatch/define.ts";
import { method } from "../../../src/dispatch/define.ts";
import { Dispatcher } from "../../../src/dispatch/dispatcher.ts";
import { RpcError } from "../../../src/protocol/errors.ts";
import type { ResponseFrame } from "../../../src/protocol/frames.ts";
import { deferred } from "../../../src/util/deferred.ts";
import { MemoryCallLedger } from "../../../src/store/memory-call-ledger.ts";
import { MemoryAudit } from "../../helpers/memory-audit.ts";
import { portsWith } from "../../helpers/no-ports.ts";
import type { Handle } from "./dispatcher-bench.ts";
import { fields, Params, callerOf, bench, errorsOf, settled, failing } from "./dispatcher-bench.ts";

const noted = (trace: string[], handle: Handle): Method => ({
  ...fields,
  name: "noted",
  params: z.unknown(),
  handle: (context, params) => {
    context.afterAnswer(() => void trace.push("first"));
    context.afterAnswer(() => void trace.push("second"));
    return handle(context, params);
  },
});

const run = async (handle: Handle, gone = false): Promise<readonly string[]> => {
  const trace: string[] = [];
  const dispatcher = new Dispatcher([noted(trace, handle)], {
    ports: portsWith(),
    audit: new MemoryAudit(),
    ledger: new MemoryCallLedger(),
    holds: () => true,
    log: { error: () => {} },
    checkResults: false,
  });
  dispatcher.answer(callerOf(), { id: 1, method: "noted", params: {} }, () => {
    if (!gone) trace.push("answer");
  });
  await settled();
  return trace;
};

describe("answers", () => {
  it("keep the id's value and type, and come at once where the handler answers at once", () => {
    const { call, answers } = bench([failing("now", () => 1)]);
    call("now", {}, callerOf(), 7);
    call("now", {}, callerOf(), "7");
    expect(answers).toEqual([
      { id: 7, result: 1 },
      { id: "7", result: 1 },
    ]);
  });

  it("come exactly once, however the handler ends", async () => {
    const secret = "token-4711";
    const throws = (): never => {
      throw new Error(secret);
    };
    const { call, answers, logged } = bench([
      failing("throws", throws),
      failing("rejects", () => Promise.reject(new Error(secret))),
      failing("throwsText", () => {
        // a thrown text is no Error, which a handler of a library may do
        return Promise.reject(secret);
      }),
      failing("afterwards", ({ afterAnswer }) => {
        afterAnswer(() => {});
        return throws();
      }),
      failing("effectThrows", ({ afterAnswer }) => {
        afterAnswer(throws);
        return "fine";
      }),
      failing("effectThrowsLater", async ({ afterAnswer }) => {
        await Promise.resolve();
        afterAnswer(throws);
        return "fine";
      }),
      failing("told", () => {
        throw new RpcError("methodNotFound", "not here", { cause: new Error(secret) });
      }),
    ]);
    const names = [
      "throws",
      "rejects",
      "throwsText",
      "afterwards",
      "effectThrows",
      "effectThrowsLater",
      "told",
    ];
    for (const name of names) call(name, {}, callerOf(), name);
    await settled();
    const internal = { code: -32603, message: "internal error; the host's log says more" };
    expect(Object.fromEntries(answers.map(({ id, ...rest }) => [id, rest]))).toEqual({
      throws: { error: internal },
      rejects: { error: internal },
      throwsText: { error: internal },
      afterwards: { error: internal },
      effectThrows: { result: "fine" },
      effectThrowsLater: { result: "fine" },
      told: { error: { code: -32601, message: "not here" } },
    });
    expect(answers.length).toBe(names.length);
    expect(JSON.stringify(answers)).not.toContain(secret);
    expect(logged.length).toBe(6);
  });

  it("say what is wrong with the configuration", () => {
    const { call, answers } = bench([
      failing("configured", () => {
        throw new ConfigError("config.toml:1:2: no");
      }),
    ]);
    call("configured", {});
    expect(errorsOf(answers)).toEqual([
      { code: -32600, message: "failed to load configuration: config.toml:1:2: no" },
    ]);
  });

  it("become an error when they cannot be written", async () => {
    const seen: ResponseFrame[] = [];
    const dispatcher = new Dispatcher(
      [failing("huge", () => 1n), failing("late", async () => 1n)],
      {
        ports: portsWith(),
        audit: new MemoryAudit(),
        ledger: new MemoryCallLedger(),
        holds: () => true,
        log: { error: () => {} },
        checkResults: false,
      },
    );
    for (const name of ["huge", "late"]) {
      dispatcher.answer(callerOf(), { id: name, method: name }, (response) => {
        JSON.stringify(response);
        seen.push(response);
      });
    }
    await settled();
    expect(seen.map(({ id, ...rest }) => [id, "error" in rest])).toEqual([
      ["huge", true],
      ["late", true],
    ]);
  });

  it("are checked against their declaration when that is asked for", async () => {
    const wrong = {
      ...failing("wrong", () => ({ count: "1" })),
      result: z.object({ count: z.number() }),
    };
    const late = { ...wrong, name: "late", handle: async () => ({ count: "1" }) };
    const lax = bench([wrong]);
    lax.call("wrong", {});
    expect(errorsOf(lax.answers)).toEqual([{ count: "1" }]);
    const strict = bench([wrong, late], true);
    strict.call("wrong", {});
    strict.call("late", {});
    await settled();
    expect(strict.answers.map((answer) => "error" in answer)).toEqual([true, true]);
  });
});

describe("what follows an answer", () => {
  it("runs right after it, in the order in which it was put off", async () => {
    expect(await run(() => "x")).toEqual(["answer", "first", "second"]);
    expect(await run(async () => "x")).toEqual(["answer", "first", "second"]);
  });

  it("runs too when the handler failed later, or when nobody takes the answer any more", async () => {
    expect(await run(() => Promise.reject(new Error("no")))).toEqual(["answer", "first", "second"]);
    expect(await run(() => "x", true)).toEqual(["first", "second"]);
  });

  it("runs though an effect before it failed", async () => {
    const trace: string[] = [];
    const { call } = bench([
      {
        ...fields,
        name: "two",
        params: z.unknown(),
        handle({ afterAnswer }) {
          afterAnswer(() => {
            throw new Error("no");
          });
          afterAnswer(() => void trace.push("second"));
          return 1;
        },
      },
    ]);
    call("two", {});
    expect(trace).toEqual(["second"]);
  });
});

describe("order", () => {
  it("runs requests of one key one after another, with what follows each, and others beside them", async () => {
    const trace: string[] = [];
    const gates = new Map([
      ["a1", deferred<void>()],
      ["b1", deferred<void>()],
    ]);
    const keyed = method({
      ...fields,
      name: "keyed",
      params: z.looseObject({ key: z.string(), tag: z.string() }),
      order: ({ key }) => key,
      async handle({ afterAnswer }, { tag }) {
        trace.push(`${tag} begins`);
        await gates.get(tag)?.promise;
        afterAnswer(() => void trace.push(`${tag} told`));
        return tag;
      },
    });
    const free = method({ ...fields, name: "free", params: Params, handle: () => "free" });
    const { call, answered, answers } = bench([keyed, free]);
    call("keyed", { key: "a", tag: "a1" });
    call("keyed", { key: "a", tag: "a2" });
    call("keyed", { key: "b", tag: "b1" });
    call("free", {});
    await settled();
    expect(trace).toEqual(["a1 begins", "b1 begins"]);
    expect(errorsOf(answers)).toEqual(["free"]);
    gates.get("b1")?.resolve();
    gates.get("a1")?.resolve();
    await answered(4);
    await settled();
    const ofA = trace.filter((entry) => entry.startsWith("a"));
    expect(ofA).toEqual(["a1 begins", "a1 told", "a2 begins", "a2 told"]);
  });

  it("goes on after a request of the key failed", async () => {
    const keyed = method({
      ...fields,
      name: "keyed",
      params: z.looseObject({ fail: z.boolean() }),
      order: () => "k",
      handle(_context, { fail }) {
        if (fail) throw new RpcError("internal", "no");
        return "yes";
      },
    });
    const { call, answered, answers } = bench([keyed]);
    call("keyed", { fail: true });
    call("keyed", { fail: false });
    await answered(2);
    expect(errorsOf(answers)).toEqual([{ code: -32603, message: "no" }, "yes"]);
  });
});
