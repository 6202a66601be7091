/** What the audit log says of answers to questions: who, which question, which decision; never what it was about. */
import type { Actor, Audit, AuditAct, AuditEntry } from "../audit/port.ts";
import { by as byActor } from "../audit/port.ts";
import type { ServerRequestSpec } from "../protocol/define.ts";
import type { RequestId } from "../protocol/ids.ts";
import { decisionNameOf } from "../protocol/decision-name.ts";
import { dynamicToolCall } from "../protocol/server-requests.ts";

type About = Readonly<Record<string, string>>;

/** Writes down what becomes of the answers to one question. */
export class AnswerAudit {
  readonly #audit: Audit;
  readonly #act: AuditAct;
  readonly #about: About;

  constructor(audit: Audit, { name }: ServerRequestSpec, params: object) {
    this.#audit = audit;
    this.#act = name === dynamicToolCall.name ? "tool.answer" : "approval.answer";
    this.#about = { request: name, ...idsOf(params) };
  }

  /** `receipt`: what proves it, where it was signed. */
  done(by: Actor, answer: unknown, receipt: About): void {
    this.#add(by, { outcome: "done" }, { ...decisionOf(answer), ...receipt });
  }

  failed(by: Actor): void {
    this.#add(by, { outcome: "failed", code: "garbled" });
  }

  denied(by: Actor, code: string): void {
    this.#add(by, { outcome: "denied", code });
  }

  /** Nothing of this id waits, or not any more. Ids of ours are numbers; anything else is the client's own text. */
  static late(audit: Audit, requestId: RequestId, by: Actor): void {
    const about = { ...(typeof requestId === "number" && { requestId }) };
    const entry = { act: "approval.answer" as const, outcome: "denied" as const };
    audit.add({ ...entry, code: "not_waiting", ...byActor(by), about });
  }

  #add(by: Actor, what: Pick<AuditEntry, "outcome" | "code">, more: About = {}): void {
    const about = { ...this.#about, ...more };
    this.#audit.add({ act: this.#act, ...what, ...byActor(by), about });
  }
}

function idsOf(params: object): About {
  const ids = ["threadId", "turnId", "itemId", "callId"].map((name): [string, unknown] => [
    name,
    Reflect.get(params, name),
  ]);
  return Object.fromEntries(
    ids.filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  );
}

const decisionOf = (answer: unknown): { decision?: string } => {
  const decision = decisionNameOf(answer);
  return decision === null ? {} : { decision };
};
