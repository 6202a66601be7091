/** How the calls under `/auth/` stand in the audit log. */
import type { Actor, Audit, AuditAct, AuditEntry } from "../audit/port.ts";
import { by, strangerAt } from "../audit/port.ts";
import {
  ConnectFinish,
  ConnectStart,
  PairFinish,
  PairStart,
  PairStatus,
  TaskRegister,
  TokenFinish,
  TokenStart,
} from "../protocol/auth-api.ts";
import { AuthError, type RequestFacts } from "./port.ts";

/** What a call answers, and who asked as far as the call found out; without `who` a success leaves no line. */
export interface Answered {
  readonly answer: unknown;
  readonly who?: Omit<Actor, "address">;
  readonly about?: AuditEntry["about"];
  /** Where the path does not say what was done. */
  readonly act?: AuditAct;
}

const acts: ReadonlyMap<string, AuditAct> = new Map<string, AuditAct>([
  [PairStart.path, "pair.redeem"],
  [PairFinish.path, "pair.enroll"],
  [PairStatus.path, "pair.enroll"],
  [TokenStart.path, "token.renew"],
  [TokenFinish.path, "token.renew"],
  [ConnectStart.path, "connect"],
  [ConnectFinish.path, "connect"],
  [TaskRegister.path, "agent.register"],
]);

/** Makes one call with its one line: done, denied, or failed by an error of the host. */
export async function audited(
  audit: Audit,
  path: string,
  { address }: RequestFacts,
  call: () => Promise<Answered>,
): Promise<unknown> {
  const act = acts.get(path) ?? "request.refused";
  const stranger = strangerAt(address);
  try {
    const { answer, who, about, act: done = act } = await call();
    if (who !== undefined) {
      const actor = { ...stranger, ...who };
      audit.add({ act: done, outcome: "done", ...by(actor), ...(about && { about }) });
    }
    return answer;
  } catch (error) {
    const denied = error instanceof AuthError;
    const actor = { ...stranger, ...(denied && error.who) };
    const code = denied ? error.auditCode : "internal";
    audit.add({ act, outcome: denied ? "denied" : "failed", code, ...by(actor), about: { path } });
    throw error;
  }
}
