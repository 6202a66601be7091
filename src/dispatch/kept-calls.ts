/**
 * Calls with an idempotency key: each is made at most once, however often it comes. What comes while it is under way
 * joins it; what comes later gets the answer that the ledger keeps, or the word why there is none.
 */
import type { Answer } from "../protocol/frames.ts";
import type { CallId, CallLedger, KeptCall } from "../store/port.ts";
import type { Call } from "./admission.ts";
import type { CallRunner, RunnerLog } from "./call-runner.ts";
import { accessEnded } from "./call-runner.ts";
import type { KeyRefusal } from "./key-refusals.ts";
import { keyRefusal } from "./key-refusals.ts";

/** One request for the call. */
export interface Request {
  readonly call: Call;
  /** `replayed`: the call was made for another request. */
  respond(answer: Answer, replayed: boolean): void;
  /** What the handler put off until after its answer. */
  follow(): void;
}

/** A call from its first request to its answer. */
export interface Underway {
  readonly id: CallId;
  readonly digest: string;
  /** In the order in which they came. */
  readonly requests: Request[];
}

export interface KeptCallsParts {
  readonly ledger: CallLedger;
  readonly runner: CallRunner;
  readonly log: RunnerLog;
}

export class KeptCalls {
  readonly #parts: KeptCallsParts;
  readonly #underway = new Map<string, Underway>();

  constructor(parts: KeptCallsParts) {
    this.#parts = parts;
  }

  /** The call, to be made in its turn; undefined where it is under way already, and this request's answer comes with it. */
  enter(id: CallId, digest: string, request: Request): Underway | undefined {
    const name = nameOf(id);
    const known = this.#underway.get(name);
    if (known?.digest === digest) known.requests.push(request);
    else if (known) request.respond(refuse(request.call, "idempotency_key_reused"), false);
    if (known) return undefined;
    const underway = { id, digest, requests: [request] };
    this.#underway.set(name, underway);
    return underway;
  }

  /** Makes it, unless it was made before, for the first request whose caller may still act; then answers all. */
  async make(underway: Underway): Promise<void> {
    const { id, requests } = underway;
    const maker = requests.find(({ call }) => call.stands());
    const { answer, replayed } = maker
      ? await this.#answerOf(underway, maker.call)
      : { answer: accessEnded, replayed: false };
    this.#underway.delete(nameOf(id));
    for (const request of requests) request.respond(answer, replayed || request !== maker);
    maker?.follow();
  }

  async #answerOf({ id, digest }: Underway, call: Call): Promise<Outcome> {
    const { ledger, runner, log } = this.#parts;
    try {
      const entry = await call.enter();
      if (!entry.touches) return made(await runner.handled(call, entry));
      const known = await ledger.begin(id, digest).catch((error: unknown) => {
        log.error({ err: error, method: call.method }, "a call could not be written down");
        return "unwritable" as const;
      });
      if (known === "unwritable") return made(refuse(call, "idempotency_not_recorded"));
      if (known === "full") return made(refuse(call, "idempotency_keys_exhausted"));
      if (known !== "new") return outcomeOf(known, digest, call);
      const answer = await runner.handled(call, entry);
      await ledger.finish(id, keptText(answer, call)).catch((error: unknown) => {
        // It stays begun: who retries it hears that its outcome is unknown, and it is not made again.
        log.error({ err: error, method: call.method }, "an answer could not be kept");
      });
      return made(answer);
    } catch (error) {
      return made(runner.failed(error, call));
    }
  }
}

interface Outcome {
  readonly answer: Answer;
  readonly replayed: boolean;
}

const made = (answer: Answer): Outcome => ({ answer, replayed: false });

function outcomeOf(known: KeptCall, digest: string, call: Call): Outcome {
  if (known.digest !== digest) return made(refuse(call, "idempotency_key_reused"));
  if (known.kind === "begun") return made(refuse(call, "outcome_unknown"));
  if (known.answer === null) return made(refuse(call, "answer_not_kept"));
  const answer: Answer = JSON.parse(known.answer);
  return { answer, replayed: true };
}

function refuse(call: Call, code: KeyRefusal): Answer {
  const error = keyRefusal(code).toWire();
  call.note(error, undefined, code);
  return { error };
}

/** Null: it cannot be written, or holds a secret. Errors hold none. */
function keptText(answer: Answer, { retry }: Call): string | null {
  if (retry === "word" && "result" in answer) return null;
  try {
    return JSON.stringify(answer);
  } catch {
    return null;
  }
}

/** Keys hold no line feed. */
const nameOf = ({ principalId, key }: CallId): string => `${key}\n${principalId}`;
