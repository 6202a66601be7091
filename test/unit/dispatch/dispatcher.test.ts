import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ConfigError } from "../../../src/config/port.ts";
import type { Context } from "../../../src/dispatch/context.ts";
import type { Method } from "../../../src/dispatch/define.ts";
import { method } from "../../../src/dispatch/define.ts";
import type { Caller } from "../../../src/dispatch/dispatcher.ts";
import { Dispatcher } from "../../../src/dispatch/dispatcher.ts";
import { RpcError } from "../../../src/protocol/errors.ts";
import type { ResponseFrame } from "../../../src/protocol/frames.ts";
import type { Role } from "../../../src/protocol/principal.ts";
import { deferred } from "../../../src/util/deferred.ts";
import { MemoryCallLedger } from "../../../src/store/memory-call-ledger.ts";
import { MemoryAudit } from "../../helpers/memory-audit.ts";
import { portsWith } from "../../helpers/no-ports.ts";

const fields = { stability: "stable", role: "viewer", result: z.unknown() } as const;
type Handle = (context: Context, params: unknown) => unknown;

const Params = z.looseObject({ key: z.string().optional() });

function callerOf(facts: Partial<Caller> & { readonly role?: Role } = {}): Caller {
  const { role = "admin", ...rest } = facts;
  const caller: Caller = Object.create(null);
  return Object.assign(caller, {
    principal: { kind: "local", id: "local", name: "Local", role, address: "control.sock" },
    initialized: true,
    countsEvents: false,
    experimental: true,
    clientName: "test",
    initialize: () => {},
    subscribe: () => {},
    unsubscribe: () => false,
    tell: () => {},
    catchUp: () => {},
    ...rest,
  });
}

/** A dispatcher with these methods, and all that it answered and logged. */
function bench(methods: readonly Method[], checkResults = false) {
  const logged: object[] = [];
  const answers: ResponseFrame[] = [];
  const dispatcher = new Dispatcher(methods, {
    ports: portsWith(),
    audit: new MemoryAudit(),
    ledger: new MemoryCallLedger(),
    holds: () => true,
    log: { error: (entry, message) => void logged.push({ ...entry, message }) },
    checkResults,
  });
  const waiting = new Set<() => void>();
  return {
    logged,
    answers,
    call: (
      name: string,
      params: unknown,
      caller: Caller = callerOf(),
      id: string | number = 1,
    ): void => {
      dispatcher.answer(caller, { id, method: name, params }, (response) => {
        answers.push(response);
        for (const check of waiting) check();
      });
    },
    answered: (count: number): Promise<void> =>
      new Promise((resolve) => {
        const check = (): void => {
          if (answers.length >= count) resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}

const errorsOf = (answers: readonly ResponseFrame[]): readonly unknown[] =>
  answers.map((answer) => ("error" in answer ? answer.error : answer.result));

/** Lets everything that is due in this turn of the event loop happen. */
const settled = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

const refusal = (message: string): object => ({ code: -32600, message });

const failing = (name: string, handle: Handle): Method => ({
  ...fields,
  name,
  params: z.unknown(),
  handle,
});

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
