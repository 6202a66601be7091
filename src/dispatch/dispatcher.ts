import type { z } from "zod";
import { RpcError, invalidRequest } from "../protocol/errors.ts";
import type { RequestFrame, ResponseFrame } from "../protocol/frames.ts";
import type { Principal } from "../protocol/principal.ts";
import { mayAct } from "../protocol/principal.ts";
import type { CallerSession, Context } from "./context.ts";
import type { Method } from "./define.ts";
import { KeyQueue } from "./key-queue.ts";

/** A connection as the dispatcher sees it. */
export type Caller = CallerSession & { readonly principal: Principal };

export interface DispatcherOptions {
  /** What every handler reaches. */
  readonly ports: Omit<Context, "principal" | "session" | "afterAnswer">;
  readonly log: { error(fields: object, message: string): void };
  /** Checks every result against its declaration; for tests, as it costs more than most calls. */
  readonly checkResults: boolean;
}

/** Turns one request into one response. */
export class Dispatcher {
  readonly #methods: ReadonlyMap<string, Method>;
  readonly #options: DispatcherOptions;
  readonly #queue = new KeyQueue();

  constructor(methods: readonly Method[], options: DispatcherOptions) {
    this.#methods = new Map(methods.map((method) => [method.name, method]));
    if (this.#methods.size !== methods.length) throw new Error("two methods share a name");
    this.#options = options;
  }

  /**
   * Calls `respond` exactly once, at once where the handler answers at once. Nothing else may
   * answer, which is why handlers are given no way to send. What the handler put off with
   * `afterAnswer` runs right after.
   */
  answer(caller: Caller, request: RequestFrame, respond: (response: ResponseFrame) => void): void {
    const { id } = request;
    const effects: (() => void)[] = [];
    const settle = (response: ResponseFrame): void => {
      respond(response);
      for (const effect of effects) effect();
    };
    const fail = (error: unknown): void =>
      settle({ id, error: this.#toRpcError(error, request.method).toWire() });
    try {
      const result = this.#run(caller, request, effects);
      if (result instanceof Promise) {
        result.then((value: unknown) => settle({ id, result: value }), fail);
      } else {
        settle({ id, result });
      }
    } catch (error) {
      fail(error);
    }
  }

  #run(caller: Caller, request: RequestFrame, effects: (() => void)[]): unknown {
    const method = this.#methods.get(request.method);
    if (!method) throw invalidRequest(`Invalid request: unknown method \`${request.method}\``);
    const params = parseParams(method, request.params);
    checkState(method, caller);
    if (!caller.experimental) checkStability(method, request.params);
    if (!mayAct(caller.principal.role, method.role)) {
      throw invalidRequest(
        `${method.name} needs the role ${method.role}; this connection has ${caller.principal.role}. An admin can change it.`,
      );
    }
    const context: Context = {
      ...this.#options.ports,
      principal: caller.principal,
      session: caller,
      afterAnswer: (effect) => void effects.push(effect),
    };
    const handle = (): unknown => this.#checked(method, method.handle(context, params));
    const key = method.order?.(params);
    return key === undefined ? handle() : this.#queue.run(key, handle);
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

  #toRpcError(error: unknown, method: string): RpcError {
    if (error instanceof RpcError) return error;
    this.#options.log.error({ err: error, method }, "a handler failed");
    return new RpcError("internal", "internal error; the host's log says more");
  }
}

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

function checkState(method: Method, caller: Caller): void {
  if (method.beforeInitialize) {
    if (caller.initialized) throw invalidRequest("Already initialized");
  } else if (!caller.initialized) {
    throw invalidRequest("Not initialized");
  }
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
