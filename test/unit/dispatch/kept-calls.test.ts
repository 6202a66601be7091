import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Context } from "../../../src/dispatch/context.ts";
import type { Method } from "../../../src/dispatch/define.ts";
import type { Caller } from "../../../src/dispatch/dispatcher.ts";
import { Dispatcher } from "../../../src/dispatch/dispatcher.ts";
import { RpcError } from "../../../src/protocol/errors.ts";
import type { ResponseFrame } from "../../../src/protocol/frames.ts";
import type { Role, Scope } from "../../../src/protocol/principal.ts";
import { MemoryCallLedger } from "../../../src/store/memory-call-ledger.ts";
import type { CallLedger } from "../../../src/store/port.ts";
import { callLedgerLimits, StoreError } from "../../../src/store/port.ts";
import { deferred } from "../../../src/util/deferred.ts";
import { MemoryAudit } from "../../helpers/memory-audit.ts";
import { portsWith } from "../../helpers/no-ports.ts";

interface Access {
  readonly id?: string;
  readonly role?: Role;
  readonly scope?: Scope;
}

function callerOf({ id = "dev_1", role = "operator", scope }: Access = {}): Caller {
  const caller: Caller = Object.create(null);
  const principal = { kind: "device", id, name: id, role, address: "192.0.2.1" };
  return Object.assign(caller, {
    principal: scope === undefined ? principal : { ...principal, scope },
    initialized: true,
    countsEvents: false,
    experimental: true,
  });
}

const change = (spec: Partial<Method> & Pick<Method, "handle">): Method => ({
  name: "change",
  stability: "stable",
  role: "operator",
  params: z.unknown(),
  result: z.unknown(),
  ...spec,
});

interface Bench {
  readonly audit: MemoryAudit;
  readonly ledger: CallLedger;
  readonly ended: Set<string>;
  /** The answer to one request. */
  ask(key: unknown, params?: unknown, access?: Access, method?: string): Promise<ResponseFrame>;
}

/** Dispatchers over one ledger stand for a host and what it is after a restart. */
function bench(methods: readonly Method[], ledger: CallLedger = new MemoryCallLedger()): Bench {
  const audit = new MemoryAudit();
  const ended = new Set<string>();
  const dispatcher = new Dispatcher(methods, {
    ports: portsWith(),
    audit,
    ledger,
    holds: ({ id }) => !ended.has(id),
    log: { error: () => {} },
    checkResults: false,
  });
  const ask: Bench["ask"] = (key, params = {}, access = {}, method = "change") =>
    new Promise((resolve) => {
      const request = { id: 1, method, params, idempotencyKey: key };
      dispatcher.answer(callerOf(access), request, resolve);
    });
  return { audit, ledger, ended, ask };
}

/** Counts how often it runs. */
function counted(handle: Method["handle"] = () => "done") {
  const runs: unknown[] = [];
  const counting: Method["handle"] = (context, params) => {
    runs.push(params);
    return handle(context, params);
  };
  return { runs, handle: counting };
}

const answered = (result: unknown) => ({ id: 1, result });
const replayed = (result: unknown) => ({ id: 1, result, replayed: true });
const refused = (code: string) => ({
  id: 1,
  error: {
    code: -32600,
    message: expect.any(String),
    data: { code, nextStep: expect.any(String) },
  },
});
const linesOf = ({ audit }: Bench) => audit.entries.map(({ outcome, code }) => [outcome, code]);

describe("a call with an idempotency key", () => {
  it("runs once; what comes later gets the first answer, however its params are ordered, and leaves no line", async () => {
    let count = 0;
    const { runs, handle } = counted(() => ({ count: ++count }));
    const host = bench([change({ handle })]);
    expect(await host.ask("k", { a: 1, b: [{ c: 2, d: 3 }] })).toEqual(answered({ count: 1 }));
    expect(await host.ask("k", { b: [{ d: 3, c: 2 }], a: 1 })).toEqual(replayed({ count: 1 }));
    expect(await host.ask("l", { a: 1, b: [{ c: 2, d: 3 }] })).toEqual(answered({ count: 2 }));
    expect(runs).toHaveLength(2);
    expect(linesOf(host)).toEqual([
      ["done", undefined],
      ["done", undefined],
    ]);
  });

  it("gets the first answer after a restart, errors of the handler too", async () => {
    const { runs, handle } = counted(() => {
      throw new RpcError("internal", "no", { data: { why: "x" } });
    });
    const host = bench([change({ handle })]);
    const error = { code: -32603, message: "no", data: { why: "x" } };
    expect(await host.ask("k")).toEqual({ id: 1, error });
    const restarted = bench([change({ handle })], host.ledger);
    expect(await restarted.ask("k")).toEqual({ id: 1, error, replayed: true });
    expect(runs).toHaveLength(1);
  });

  it("is joined while it runs, from another connection too; all answers come before what follows", async () => {
    const gate = deferred<void>();
    const trace: string[] = [];
    const { runs, handle } = counted(async ({ afterAnswer }: Context) => {
      await gate.promise;
      afterAnswer(() => void trace.push("told"));
      return "done";
    });
    const host = bench([change({ handle })]);
    const answers = [host.ask("k"), host.ask("k"), host.ask("k")];
    await expect.poll(() => runs).toHaveLength(1);
    gate.resolve();
    expect(await Promise.all(answers)).toEqual([
      answered("done"),
      replayed("done"),
      replayed("done"),
    ]);
    expect(trace).toEqual(["told"]);
    expect(linesOf(host)).toEqual([["done", undefined]]);
  });

  it("joins one that waits for its turn", async () => {
    const gate = deferred<void>();
    const { runs, handle } = counted(() => gate.promise.then(() => "done"));
    const host = bench([change({ handle, order: () => "one" })]);
    const answers = [host.ask("a", 1), host.ask("b", 2), host.ask("b", 2)];
    expect(await host.ask("b", 3)).toEqual(refused("idempotency_key_reused"));
    gate.resolve();
    expect(await Promise.all(answers)).toEqual([
      answered("done"),
      answered("done"),
      replayed("done"),
    ]);
    expect(runs).toEqual([1, 2]);
  });

  it("is made for the first of its requests whose caller may still act", async () => {
    const gate = deferred<void>();
    const { runs, handle } = counted(() => gate.promise.then(() => "done"));
    const host = bench([change({ handle, order: () => "one" })]);
    const first = host.ask("a", 1, { id: "other" });
    const waiting = [host.ask("b", 2), host.ask("b", 2)];
    host.ended.add("dev_1");
    gate.resolve();
    const message = "the access of this connection ended while the request waited; it was not run";
    const [one, two] = await Promise.all(waiting);
    expect([one, two]).toMatchObject([{ error: { message } }, { error: { message } }]);
    expect(await first).toEqual(answered("done"));
    expect(runs).toEqual([1]);
    host.ended.clear();
    expect(await host.ask("b", 2)).toEqual(answered("done"));
  });

  it("is another call for another access", async () => {
    const { runs, handle } = counted();
    const host = bench([change({ handle })]);
    expect(await host.ask("k", 1, { id: "dev_1" })).toEqual(answered("done"));
    expect(await host.ask("k", 2, { id: "dev_2" })).toEqual(answered("done"));
    expect(runs).toEqual([1, 2]);
  });

  it("is refused with the key of another call, and leaves the first one as it was", async () => {
    const { runs, handle } = counted();
    const host = bench([change({ handle }), change({ handle, name: "other" })]);
    await host.ask("k", { a: 1 });
    expect(await host.ask("k", { a: 2 })).toEqual(refused("idempotency_key_reused"));
    expect(await host.ask("k", { a: 1 }, {}, "other")).toEqual(refused("idempotency_key_reused"));
    expect(await host.ask("k", { a: 1 })).toEqual(replayed("done"));
    expect(runs).toHaveLength(1);
    expect(linesOf(host)).toEqual([
      ["done", undefined],
      ["failed", "idempotency_key_reused"],
      ["failed", "idempotency_key_reused"],
    ]);
  });

  it("that a dead host had begun is never made again", async () => {
    const { runs, handle } = counted(() => new Promise(() => {}));
    const host = bench([change({ handle })]);
    void host.ask("k");
    await expect.poll(() => runs).toHaveLength(1);
    const restarted = bench([change({ handle })], host.ledger);
    expect(await restarted.ask("k")).toEqual(refused("outcome_unknown"));
    expect(await restarted.ask("k")).toEqual(refused("outcome_unknown"));
    expect(await restarted.ask("k", { other: 1 })).toEqual(refused("idempotency_key_reused"));
    expect(runs).toHaveLength(1);
    expect(linesOf(restarted)).toContainEqual(["failed", "outcome_unknown"]);
  });

  it("gets only the word that it was carried out where its answer is large, secret or cannot be written", async () => {
    const limits = { ...callLedgerLimits, answerBytes: 20 };
    const methods = [
      change({ name: "large", handle: () => "x".repeat(20) }),
      change({ name: "secret", retry: "word", handle: () => "token" }),
      change({
        name: "wrong",
        retry: "word",
        handle: () => {
          throw new RpcError("internal", "");
        },
      }),
      change({ name: "number", handle: () => 1n }),
    ];
    const host = bench(methods, new MemoryCallLedger(Date.now, limits));
    for (const name of ["large", "secret", "number"]) {
      await host.ask(name, {}, {}, name);
      expect(await host.ask(name, {}, {}, name)).toEqual(refused("answer_not_kept"));
    }
    const roomy = bench(methods);
    await roomy.ask("k", {}, {}, "wrong");
    expect(await roomy.ask("k", {}, {}, "wrong")).toMatchObject({ replayed: true });
  });

  it("is refused when too many are kept, and not made", async () => {
    const { runs, handle } = counted();
    const limits = { ...callLedgerLimits, callsOfPrincipal: 1 };
    const host = bench([change({ handle })], new MemoryCallLedger(Date.now, limits));
    await host.ask("a");
    expect(await host.ask("b")).toEqual(refused("idempotency_keys_exhausted"));
    expect(await host.ask("a")).toEqual(replayed("done"));
    expect(await host.ask(undefined)).toEqual(answered("done"));
    expect(runs).toHaveLength(2);
  });

  it("is not made when its beginning cannot be written, and answered all the same when its end cannot", async () => {
    const { runs, handle } = counted();
    const full = new StoreError("diskFull", "The disk is full.");
    const memory = new MemoryCallLedger();
    const broken: CallLedger = {
      begin: () => Promise.reject(full),
      finish: () => Promise.reject(full),
      forget: () => Promise.reject(full),
    };
    const host = bench([change({ handle })], broken);
    expect(await host.ask("k")).toEqual(refused("idempotency_not_recorded"));
    expect(runs).toHaveLength(0);
    const half = bench([change({ handle })], {
      ...broken,
      begin: (id, digest) => memory.begin(id, digest),
    });
    expect(await half.ask("k")).toEqual(answered("done"));
    expect(await half.ask("k")).toEqual(refused("outcome_unknown"));
    expect(runs).toHaveLength(1);
  });

  it("that was refused before it began leaves its key as it was", async () => {
    const { runs, handle } = counted();
    const params = z.looseObject({ path: z.string() });
    const host = bench([change({ handle, params, role: "operator", reach: "folder" })]);
    const good = { path: "/work" };
    const scope = { projects: ["/nowhere"] };
    expect(await host.ask("k", { path: 1 })).toMatchObject({ error: { code: -32600 } });
    expect(await host.ask("k", good, { role: "viewer" })).toMatchObject({ error: {} });
    expect(await host.ask("k", good, { scope })).toMatchObject({ error: {} });
    expect(runs).toHaveLength(0);
    expect(await host.ask("k", good)).toEqual(answered("done"));
    expect(await host.ask("k", good)).toEqual(replayed("done"));
    expect(await host.ask("k", good, { scope })).toMatchObject({
      error: { message: expect.stringContaining("out of reach") },
    });
  });

  it("takes keys of 1 to 128 visible ASCII characters", async () => {
    const host = bench([change({ handle: () => "done" })]);
    for (const key of ["", "x".repeat(129), "a b", "\u00e4", "\ud800", "a\n", 7, {}, ["k"]]) {
      expect(await host.ask(key)).toEqual(refused("idempotency_key_invalid"));
    }
    expect(await host.ask("x".repeat(128))).toEqual(answered("done"));
    expect(await host.ask("!~")).toEqual(answered("done"));
  });

  it("cannot be nested so deeply that it is not known again", async () => {
    const { runs, handle } = counted();
    const host = bench([change({ handle })]);
    const deep: unknown = JSON.parse("[".repeat(50_000) + "]".repeat(50_000));
    expect(await host.ask("k", deep)).toEqual(refused("idempotency_params_too_deep"));
    expect(runs).toHaveLength(0);
  });

  it("of a method that changes nothing runs each time, whatever the key", async () => {
    const { runs, handle } = counted();
    const methods = [
      change({ name: "look", role: "viewer", handle }),
      change({ name: "list", retry: "again", handle }),
      change({ name: "mark", role: "viewer", retry: "answer", handle }),
    ];
    const host = bench(methods);
    for (const name of ["look", "list"]) {
      for (const key of ["k", "k", 7]) {
        expect(await host.ask(key, {}, {}, name)).toEqual(answered("done"));
      }
    }
    expect(runs).toHaveLength(6);
    await host.ask("m", {}, { role: "viewer" }, "mark");
    expect(await host.ask("m", {}, { role: "viewer" }, "mark")).toEqual(replayed("done"));
    expect(runs).toHaveLength(7);
  });
});
