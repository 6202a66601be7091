import { setTimeout as delay } from "node:timers/promises";
import type { Answer, RequestFrame, ResponseFrame } from "../protocol/frames.ts";
import type { ThreadId } from "../protocol/ids.ts";
import type { Scope } from "../protocol/principal.ts";
import type { CallId, CallLedger } from "../store/port.ts";
import type { AdmissionOptions, Call, Caller } from "./admission.ts";
import { Admission } from "./admission.ts";
import { callDigest } from "./call-digest.ts";
import type { RunnerLog } from "./call-runner.ts";
import { accessEnded, CallRunner } from "./call-runner.ts";
import type { Method } from "./define.ts";
import { KeptCalls } from "./kept-calls.ts";
import { keyRefusal } from "./key-refusals.ts";
import { KeyQueue } from "./key-queue.ts";
import { ScopeGuard } from "./scope-guard.ts";

export type { Caller } from "./admission.ts";

export interface DispatcherOptions extends AdmissionOptions {
  /** Remembers calls that may come twice. */
  readonly ledger: CallLedger;
  readonly log: RunnerLog;
}

/** What its client sends with a call that it may make again (PROTOCOL.md, Retrying). */
const idempotencyKey = /^[\x21-\x7e]{1,128}$/;

/** Turns one request into one response. */
export class Dispatcher {
  readonly #admission: Admission;
  readonly #runner: CallRunner;
  readonly #kept: KeptCalls;
  readonly #queue = new KeyQueue();
  readonly #guard: ScopeGuard;
  readonly #log: RunnerLog;
  /** Calls that are not answered yet, those that wait for their turn included. */
  readonly #underway = new Set<Promise<void>>();

  constructor(methods: readonly Method[], options: DispatcherOptions) {
    const { ports, ledger, log } = options;
    this.#log = log;
    this.#guard = new ScopeGuard(ports.threads, ports.host.defaultCwd);
    this.#admission = new Admission(methods, options, this.#guard);
    this.#runner = new CallRunner(log);
    this.#kept = new KeptCalls({ ledger, runner: this.#runner, log });
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
    const effects: (() => void)[] = [];
    const reply: Reply = {
      respond: (answer, replayed) => {
        const response = { id: request.id, ...answer };
        this.#respond(replayed ? { ...response, replayed } : response, request, respond);
      },
      follow: () => {
        for (const effect of effects) this.#runEffect(effect, request);
      },
    };
    const call = this.#admit(caller, request, effects);
    if ("error" in call) reply.respond(call, false);
    else if ("id" in call) this.#makeKept(call, reply);
    else this.#make(call, reply);
  }

  /** Resolves when every call that came is answered and written down, or when the time is over. */
  async quiet(maxMs: number): Promise<void> {
    const late = new AbortController();
    const all = Promise.all(this.#underway);
    await Promise.race([all, delay(maxMs, undefined, late).catch(() => undefined)]);
    late.abort();
  }

  #admit(
    caller: Caller,
    request: RequestFrame,
    effects: (() => void)[],
  ): Call | KeyedCall | Extract<Answer, { error: unknown }> {
    const { method, idempotencyKey: key } = request;
    try {
      const call = this.#admission.admit(caller, request, effects);
      if (key === undefined || call.retry === "again") return call;
      if (typeof key !== "string" || !idempotencyKey.test(key)) {
        throw keyRefusal("idempotency_key_invalid");
      }
      const id = { principalId: caller.principal.id, key };
      return { call, id, digest: callDigest(request) };
    } catch (refusal) {
      return { error: this.#runner.toWire(refusal, method) };
    }
  }

  #make(call: Call, reply: Reply): void {
    const settle = (answer: Answer): void => {
      reply.respond(answer, false);
      reply.follow();
    };
    const perform = (): Promise<void> | void => {
      const answer = this.#runner.run(call);
      return answer instanceof Promise ? answer.then(settle) : settle(answer);
    };
    this.#track(
      call.order === undefined
        ? perform()
        : this.#queue.run(call.order, () => (call.stands() ? perform() : settle(accessEnded))),
    );
  }

  #makeKept({ call, id, digest }: KeyedCall, reply: Reply): void {
    const underway = this.#kept.enter(id, digest, { call, ...reply });
    if (underway === undefined) return;
    const perform = (): Promise<void> => this.#kept.make(underway);
    this.#track(call.order === undefined ? perform() : this.#queue.run(call.order, perform));
  }

  #track(call: Promise<void> | void): void {
    if (!(call instanceof Promise)) return;
    const settled: Promise<void> = call
      .catch(() => undefined)
      .finally(() => this.#underway.delete(settled));
    this.#underway.add(settled);
  }

  /** An answer that cannot be written (nested too deeply, say) becomes an error. */
  #respond(
    response: ResponseFrame,
    { id, method }: RequestFrame,
    respond: (response: ResponseFrame) => void,
  ): void {
    try {
      respond(response);
    } catch (error) {
      respond({ id, error: this.#runner.toWire(error, method) });
    }
  }

  #runEffect(effect: () => void, { method }: RequestFrame): void {
    try {
      effect();
    } catch (error) {
      this.#log.error({ err: error, method }, "what follows an answer failed");
    }
  }
}

/** How one request is answered. */
interface Reply {
  respond(answer: Answer, replayed: boolean): void;
  /** Runs what the handler put off until after its answer. */
  follow(): void;
}

interface KeyedCall {
  readonly call: Call;
  readonly id: CallId;
  readonly digest: string;
}
