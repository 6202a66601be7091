import type { z } from "zod";
import type { Audit } from "../audit/port.ts";
import { by } from "../audit/port.ts";
import { AuthError } from "../auth/port.ts";
import { ConfigError } from "../config/port.ts";
import type { WireError } from "../protocol/errors.ts";
import { RpcError, errorNameOf, invalidRequest } from "../protocol/errors.ts";
import type { RequestFrame, ResponseFrame } from "../protocol/frames.ts";
import { notifications } from "../protocol/notifications.ts";
import type { ThreadId } from "../protocol/ids.ts";
import type { Principal, Scope } from "../protocol/principal.ts";
import { mayAct } from "../protocol/principal.ts";
import { serverRequests } from "../protocol/server-requests.ts";
import { neededRole } from "../protocol/host-policy.ts";
import { isRecord } from "../util/is-record.ts";
import type { CallerSession, Context } from "./context.ts";
import type { Method } from "./define.ts";
import { KeyQueue } from "./key-queue.ts";
import { ScopeGuard } from "./scope-guard.ts";
import { handleInScope } from "./scoped-call.ts";

/** A connection as the dispatcher sees it. */
export type Caller = CallerSession & { readonly principal: Principal };

export interface DispatcherOptions {
  /** What every handler reaches. */
  readonly ports: Omit<Context, "principal" | "session" | "afterAnswer">;
  readonly audit: Audit;
  /** Whether a caller may still act whose request had to wait. */
  readonly holds: (principal: Principal) => boolean;
  readonly log: { error(fields: object, message: string): void };
  /** Checks every result against its declaration; for tests, as it costs more than most calls. */
  readonly checkResults: boolean;
}

/** A request that was let in. */
interface Call {
  readonly key: string | undefined;
  /** Whether its caller may still act, asked when it had to wait; puts it into the audit log if not. */
  stands(): boolean;
  handle(): unknown;
  /** Puts it into the audit log. `denied`: the code, where it was not the caller's to have. */
  note(error: WireError | undefined, denied?: string): void;
}

/** Turns one request into one response. */
export class Dispatcher {
  readonly #methods: ReadonlyMap<string, Method>;
  readonly #options: DispatcherOptions;
  readonly #queue = new KeyQueue();
  readonly #guard: ScopeGuard;

  constructor(methods: readonly Method[], options: DispatcherOptions) {
    this.#methods = new Map(methods.map((method) => [method.name, method]));
    if (this.#methods.size !== methods.length) throw new Error("two methods share a name");
    this.#options = options;
    const { threads, host } = options.ports;
    this.#guard = new ScopeGuard(threads, host.defaultCwd);
  }

  /** Whether what happens in a thread is to be told to an access of this scope. */
  sees(scope: Scope, threadId: ThreadId): boolean {
    return this.#guard.sees(scope, threadId);
  }

  /**
   * Calls `respond` exactly once, at once where the handler answers at once. Nothing else may
   * answer, which is why handlers are given no way to send. What the handler put off with
   * `afterAnswer` runs right after, before the next request with the same order key begins.
   */
  answer(caller: Caller, request: RequestFrame, respond: (response: ResponseFrame) => void): void {
    const { id } = request;
    const effects: (() => void)[] = [];
    const settle = (response: ResponseFrame): void => {
      this.#respond(response, request, respond);
      for (const effect of effects) this.#runEffect(effect, request);
    };
    const fail = (error: unknown, call?: Call): void => {
      const wire = this.#toWire(error, request);
      call?.note(wire, error instanceof RpcError ? error.denied : undefined);
      settle({ id, error: wire });
    };
    const perform = (call: Call): Promise<void> | void => {
      const succeed = (result: unknown): void => {
        call.note(undefined);
        settle({ id, result });
      };
      try {
        const result = call.handle();
        if (result instanceof Promise) {
          return result.then(succeed, (error: unknown) => fail(error, call));
        }
        succeed(result);
      } catch (error) {
        fail(error, call);
      }
    };
    const call = this.#prepare(caller, request, effects);
    if ("refusal" in call) fail(call.refusal);
    else if (call.key === undefined) void perform(call);
    else {
      void this.#queue.run(call.key, () => (call.stands() ? perform(call) : fail(accessEnded())));
    }
  }

  #prepare(
    caller: Caller,
    request: RequestFrame,
    effects: (() => void)[],
  ): Call | { readonly refusal: unknown } {
    try {
      return this.#admit(caller, request, effects);
    } catch (refusal) {
      return { refusal };
    }
  }

  #admit(caller: Caller, request: RequestFrame, effects: (() => void)[]): Call {
    const method = this.#methods.get(request.method);
    if (!method) {
      const message = `Invalid request: unknown method \`${request.method}\``;
      if (hostOnly.has(request.method))
        this.#deny(caller, { name: request.method }, "host_only", message);
      throw invalidRequest(message);
    }
    const params = parseParams(method, request.params);
    this.#checkState(caller, method);
    if (!caller.experimental) checkStability(method, request.params);
    this.#checkCaller(caller, method, params);
    this.#checkWritable(method);
    const context: Context = {
      principal: caller.principal,
      session: caller,
      afterAnswer: (effect) => void effects.push(effect),
      ...this.#options.ports,
    };
    return {
      key: method.order?.(params),
      stands: () => {
        const { audit, holds } = this.#options;
        if (holds(caller.principal)) return true;
        const facts = factsOfCall(caller, method, params);
        audit.add({ ...facts, outcome: "denied", code: "access_ended" });
        return false;
      },
      handle: () => this.#checked(method, this.#handle(method, context, params)),
      note: (error, denied) => {
        // What viewers may call leaves no line: it changes nothing.
        const isSilent = method.role === "viewer" || (method.ownAudit && error === undefined);
        if (isSilent && denied === undefined) return;
        const facts = factsOfCall(caller, method, params);
        if (denied === undefined) this.#note(facts, error);
        else this.#options.audit.add({ ...facts, outcome: "denied", code: denied });
      },
    };
  }

  #handle(method: Method, context: Context, params: unknown): unknown {
    const { scope } = context.principal;
    if (scope === undefined) return method.handle(context, params);
    return handleInScope(this.#guard, scope, { method, context, params });
  }

  #checkState(caller: Caller, method: Method): void {
    if (method.beforeInitialize && caller.initialized) {
      this.#deny(caller, method, "already_initialized", "Already initialized");
    }
    if (!method.beforeInitialize && !caller.initialized) {
      this.#deny(caller, method, "not_initialized", "Not initialized");
    }
  }

  #checkCaller(caller: Caller, method: Method, params: unknown): void {
    const { kind, role } = caller.principal;
    if (method.localOnly && kind !== "local") {
      const message = `${method.name} is not available over remote transports`;
      this.#deny(caller, method, "local_only", message, params);
    }
    const needed = neededRole(method, this.#options.ports.host.policy);
    if (!mayAct(role, needed)) {
      const message = `${method.name} needs the role ${needed}; this connection has ${role}. An admin can change it.`;
      this.#deny(caller, method, "role", message, params);
    }
  }

  #deny(caller: Caller, method: Named, code: string, message: string, params?: unknown): never {
    this.#options.audit.add({ ...factsOfCall(caller, method, params), outcome: "denied", code });
    throw invalidRequest(message);
  }

  #note(facts: CallFacts, error: WireError | undefined): void {
    this.#options.audit.add({
      ...facts,
      ...(error === undefined
        ? { outcome: "done" }
        : { outcome: "failed", code: errorNameOf(error.code) }),
    });
  }

  /** An admin's power is not used unseen. */
  #checkWritable({ name, role, evenUnaudited }: Method): void {
    if (role !== "admin" || evenUnaudited || this.#options.audit.writable) return;
    throw invalidRequest(
      `${name} is refused while the audit log cannot be written. Free space on the disk of FARHELM_HOME and try again.`,
    );
  }

  /** An answer that cannot be written (nested too deeply, say) becomes an error. */
  #respond(
    response: ResponseFrame,
    request: RequestFrame,
    respond: (response: ResponseFrame) => void,
  ): void {
    try {
      respond(response);
    } catch (error) {
      respond({ id: request.id, error: this.#toWire(error, request) });
    }
  }

  #runEffect(effect: () => void, { method }: RequestFrame): void {
    try {
      effect();
    } catch (error) {
      this.#options.log.error({ err: error, method }, "what follows an answer failed");
    }
  }

  #checked(method: Method, result: unknown): unknown {
    if (!this.#options.checkResults) return result;
    if (result instanceof Promise) {
      return result.then((value: unknown) => this.#checked(method, value));
    }
    const checked = method.result.safeParse(result);
    if (!checked.success)
      throw new Error(`${method.name} answered wrongly: ${checked.error.message}`);
    return result;
  }

  #toWire(error: unknown, { method }: RequestFrame): WireError {
    if (error instanceof RpcError) return error.toWire();
    if (error instanceof AuthError)
      return invalidRequest(`${error.message} ${error.nextStep}`).toWire();
    if (error instanceof ConfigError) {
      return invalidRequest(`failed to load configuration: ${error.message}`).toWire();
    }
    this.#options.log.error({ err: error, method }, "a handler failed");
    return new RpcError("internal", "internal error; the host's log says more").toWire();
  }
}

/** Names that only the host says: whoever asks for them tries something. */
const hostOnly: ReadonlySet<string> = new Set(
  [...notifications, ...serverRequests].map(({ name }) => name),
);

type Named = Pick<Method, "name">;
type CallFacts = ReturnType<typeof factsOfCall>;

function factsOfCall({ principal }: Caller, { name }: Named, params: unknown) {
  const threadId = isRecord(params) ? params["threadId"] : undefined;
  const about = { method: name, ...(typeof threadId === "string" && { threadId }) };
  return { act: "call" as const, ...by(principal), about };
}

/** The connection is closed by then: this answer reaches nobody. */
const accessEnded = (): RpcError =>
  invalidRequest("the access of this connection ended while the request waited; it was not run");

function parseParams<P extends z.ZodType>(method: Method<string, P>, params: unknown): z.output<P> {
  const parsed = method.params.safeParse(params);
  if (parsed.success) return parsed.data;
  if (params === undefined || params === null) {
    throw invalidRequest("Invalid request: missing field `params`");
  }
  const [issue] = parsed.error.issues;
  const path = issue?.path.join(".") ?? "";
  throw invalidRequest(
    `Invalid request: ${path ? `${path}: ` : ""}${issue?.message ?? "params do not parse"}`,
  );
}

function checkStability(method: Method, params: unknown): void {
  if (method.stability === "experimental") {
    throw invalidRequest(`${method.name} requires experimentalApi capability`);
  }
  if (!method.experimentalParams || typeof params !== "object" || params === null) return;
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && method.experimentalParams.includes(name)) {
      throw invalidRequest(`${method.name}.${name} requires experimentalApi capability`);
    }
  }
}
