import { AuthError } from "../auth/port.ts";
import { ConfigError } from "../config/port.ts";
import type { WireError } from "../protocol/errors.ts";
import { RpcError, invalidRequest } from "../protocol/errors.ts";
import type { Answer } from "../protocol/frames.ts";
import type { Call } from "./admission.ts";
import type { Entry } from "./scoped-call.ts";

export interface RunnerLog {
  error(fields: object, message: string): void;
}

/** Makes calls and says what they came to, to the audit log too. Never throws, never rejects. */
export class CallRunner {
  readonly #log: RunnerLog;

  constructor(log: RunnerLog) {
    this.#log = log;
  }

  /** At once where the handler answers at once. */
  run(call: Call): Answer | Promise<Answer> {
    const fail = (error: unknown): Answer => this.failed(error, call);
    try {
      const entry = call.enter();
      if (!(entry instanceof Promise)) return this.handled(call, entry);
      return entry.then((entered) => this.handled(call, entered), fail);
    } catch (error) {
      return fail(error);
    }
  }

  /** The same from where it is known that the call may be made. */
  handled(call: Call, entry: Entry): Answer | Promise<Answer> {
    const succeed = (result: unknown): Answer => {
      call.note();
      return { result };
    };
    const fail = (error: unknown): Answer => this.failed(error, call);
    try {
      const result = entry.handle();
      return result instanceof Promise ? result.then(succeed, fail) : succeed(result);
    } catch (error) {
      return fail(error);
    }
  }

  failed(error: unknown, call: Call): Answer {
    const wire = this.toWire(error, call.method);
    call.note(wire, error instanceof RpcError ? error.denied : undefined);
    return { error: wire };
  }

  /** What is no business of the peer's goes to the log. */
  toWire(error: unknown, method: string): WireError {
    if (error instanceof RpcError) return error.toWire();
    if (error instanceof AuthError)
      return invalidRequest(`${error.message} ${error.nextStep}`).toWire();
    if (error instanceof ConfigError) {
      return invalidRequest(`failed to load configuration: ${error.message}`).toWire();
    }
    this.#log.error({ err: error, method }, "a handler failed");
    return new RpcError("internal", "internal error; the host's log says more").toWire();
  }
}

/** The connection is closed by then: this answer reaches nobody. */
export const accessEnded: Answer = {
  error: invalidRequest(
    "the access of this connection ended while the request waited; it was not run",
  ).toWire(),
};
