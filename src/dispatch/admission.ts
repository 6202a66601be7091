/** Which requests are let in: the method, its params, the connection's state, the role. What is not leaves a line in the audit log. */
import type { z } from "zod";
import type { Audit } from "../audit/port.ts";
import { by } from "../audit/port.ts";
import type { WireError } from "../protocol/errors.ts";
import { errorNameOf, invalidRequest } from "../protocol/errors.ts";
import type { RequestFrame } from "../protocol/frames.ts";
import { neededRole } from "../protocol/host-policy.ts";
import { notifications } from "../protocol/notifications.ts";
import type { Principal } from "../protocol/principal.ts";
import { mayAct } from "../protocol/principal.ts";
import { serverRequests } from "../protocol/server-requests.ts";
import { isRecord } from "../util/is-record.ts";
import type { CallerSession, Context } from "./context.ts";
import type { Method } from "./define.ts";
import { memberOf } from "./define.ts";
import type { ScopeGuard } from "./scope-guard.ts";
import type { Entry } from "./scoped-call.ts";
import { enterScope } from "./scoped-call.ts";

/** A connection as the dispatcher sees it. */
export type Caller = CallerSession & { readonly principal: Principal };

export interface AdmissionOptions {
  /** What every handler reaches. */
  readonly ports: Omit<Context, "principal" | "session" | "afterAnswer">;
  readonly audit: Audit;
  /** Whether a caller may still act whose request had to wait. */
  readonly holds: (principal: Principal) => boolean;
  /** Checks every result against its declaration; for tests, as it costs more than most calls. */
  readonly checkResults: boolean;
}

/** A request that was let in. */
export interface Call {
  /** The method's name. */
  readonly method: string;
  readonly order: string | undefined;
  readonly retry: NonNullable<Method["retry"]>;
  /** Whether its caller may still act, asked when it had to wait; puts it into the audit log if not. */
  stands(): boolean;
  /** Rejects, before anything is done, where it is not in the caller's scope. */
  enter(): Promise<Entry> | Entry;
  /** Puts it into the audit log. `denied`: the code, where it was not the caller's to have. `failure`: a code of its own. */
  note(error?: WireError, denied?: string, failure?: string): void;
}

export class Admission {
  readonly #methods: ReadonlyMap<string, Method>;
  readonly #options: AdmissionOptions;
  readonly #guard: ScopeGuard;

  constructor(methods: readonly Method[], options: AdmissionOptions, guard: ScopeGuard) {
    this.#methods = new Map(methods.map((method) => [method.name, method]));
    if (this.#methods.size !== methods.length) throw new Error("two methods share a name");
    this.#options = options;
    this.#guard = guard;
  }

  /** Throws what is wrong with the request. `effects` takes what the handler puts off until after its answer. */
  admit(caller: Caller, request: RequestFrame, effects: (() => void)[]): Call {
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
    return this.#call(caller, method, context, params);
  }

  #call(caller: Caller, method: Method, context: Context, params: unknown): Call {
    const { scope } = caller.principal;
    return {
      method: method.name,
      order: method.order?.(params),
      retry: method.retry ?? (method.role === "viewer" ? "again" : "answer"),
      stands: () => {
        const { audit, holds } = this.#options;
        if (holds(caller.principal)) return true;
        const facts = factsOfCall(caller, method, params);
        audit.add({ ...facts, outcome: "denied", code: "access_ended" });
        return false;
      },
      enter: () =>
        scope === undefined
          ? this.#entry(method, { touches: true, handle: () => method.handle(context, params) })
          : enterScope(this.#guard, scope, { method, context, params }).then((entry) =>
              this.#entry(method, entry),
            ),
      note: (error, denied, failure) => {
        // What viewers may call leaves no line: it changes nothing.
        const isSilent = method.role === "viewer" || (method.ownAudit && error === undefined);
        if (isSilent && denied === undefined) return;
        const facts = factsOfCall(caller, method, params);
        this.#options.audit.add({ ...facts, ...outcomeOf(error, denied, failure) });
      },
    };
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

  /** An admin's power is not used unseen. */
  #checkWritable({ name, role, evenUnaudited }: Method): void {
    if (role !== "admin" || evenUnaudited || this.#options.audit.writable) return;
    throw invalidRequest(
      `${name} is refused while the audit log cannot be written. Free space on the disk of FARHELM_HOME and try again.`,
    );
  }

  #entry(method: Method, entry: Entry): Entry {
    if (!this.#options.checkResults) return entry;
    return { ...entry, handle: () => checked(method, entry.handle()) };
  }
}

function checked(method: Method, result: unknown): unknown {
  if (result instanceof Promise) return result.then((value: unknown) => checked(method, value));
  const parsed = method.result.safeParse(result);
  if (!parsed.success) throw new Error(`${method.name} answered wrongly: ${parsed.error.message}`);
  return result;
}

/** Names that only the host says: whoever asks for them tries something. */
const hostOnly: ReadonlySet<string> = new Set(
  [...notifications, ...serverRequests].map(({ name }) => name),
);

type Named = Pick<Method, "name">;

function factsOfCall({ principal }: Caller, { name }: Named, params: unknown) {
  const threadId = isRecord(params) ? params["threadId"] : undefined;
  const about = { method: name, ...(typeof threadId === "string" && { threadId }) };
  return { act: "call" as const, ...by(principal), about };
}

function outcomeOf(error: WireError | undefined, denied?: string, failure?: string) {
  if (denied !== undefined) return { outcome: "denied" as const, code: denied };
  if (error === undefined) return { outcome: "done" as const };
  return { outcome: "failed" as const, code: failure ?? errorNameOf(error.code) };
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

function checkStability(method: Method, params: unknown): void {
  if (method.stability === "experimental") {
    throw invalidRequest(`${method.name} requires experimentalApi capability`);
  }
  if (!isRecord(params)) return;
  for (const param of method.experimentalParams ?? []) {
    const member = memberOf(param);
    const value = params[member];
    if (value === undefined) continue;
    const spec = typeof param === "string" ? undefined : param;
    const isPresent = spec ? spec.isPresent(value) : value !== null && value !== false;
    if (!isPresent) continue;
    const name = spec?.called ?? `${method.name}.${member}`;
    throw invalidRequest(`${name} requires experimentalApi capability`);
  }
}
