/** A dispatcher with methods of a test, and all that it answered. */
import { z } from "zod";
import type { Context } from "../../../src/dispatch/context.ts";
import type { Method } from "../../../src/dispatch/define.ts";
import type { Caller } from "../../../src/dispatch/dispatcher.ts";
import { Dispatcher } from "../../../src/dispatch/dispatcher.ts";
import type { ResponseFrame } from "../../../src/protocol/frames.ts";
import type { Role } from "../../../src/protocol/principal.ts";
import { MemoryCallLedger } from "../../../src/store/memory-call-ledger.ts";
import { MemoryAudit } from "../../helpers/memory-audit.ts";
import { portsWith } from "../../helpers/no-ports.ts";

export const fields = { stability: "stable", role: "viewer", result: z.unknown() } as const;
export type Handle = (context: Context, params: unknown) => unknown;

export const Params = z.looseObject({ key: z.string().optional() });

export function callerOf(facts: Partial<Caller> & { readonly role?: Role } = {}): Caller {
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
export function bench(methods: readonly Method[], checkResults = false) {
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

export const errorsOf = (answers: readonly ResponseFrame[]): readonly unknown[] =>
  answers.map((answer) => ("error" in answer ? answer.error : answer.result));

/** Lets everything that is due in this turn of the event loop happen. */
export const settled = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

export const refusal = (message: string): object => ({ code: -32600, message });

export const failing = (name: string, handle: Handle): Method => ({
  ...fields,
  name,
  params: z.unknown(),
  handle,
});
