/** A loaded agent identity: it signs each request for itself. */
import type { AgentSigner } from "../crypto/agent-key.ts";
import type { AgentIdentityRecord } from "./agent-identity-record.ts";
import { signedTime } from "./agent-task.ts";
import { planTypeOf } from "./plan-types.ts";
import type { Account } from "./port.ts";

/** The record without its key, which lives on in the signer alone. */
type PublicRecord = Omit<AgentIdentityRecord, "privateKey" | "taskId">;

export class AgentIdentity {
  readonly account: Account;
  readonly #record: PublicRecord;
  readonly #signer: AgentSigner;
  readonly #taskId: string;

  constructor(record: PublicRecord, signer: AgentSigner, taskId: string) {
    const { email, userId, planType } = record;
    this.account = { type: "chatgpt", email, planType: planTypeOf(planType), userId };
    this.#record = record;
    this.#signer = signer;
    this.#taskId = taskId;
  }

  get runtimeId(): string {
    return this.#record.runtimeId;
  }

  /** For one request, made now. The members of the assertion stand in the order that its readers expect. */
  headers(nowMs: number): Readonly<Record<string, string>> {
    const { runtimeId, accountId, fedramp } = this.#record;
    const timestamp = signedTime(nowMs);
    const assertion = JSON.stringify({
      agent_runtime_id: runtimeId,
      signature: this.#signer.sign(`${runtimeId}:${this.#taskId}:${timestamp}`),
      task_id: this.#taskId,
      timestamp,
    });
    return {
      authorization: `AgentAssertion ${Buffer.from(assertion).toString("base64url")}`,
      "chatgpt-account-id": accountId,
      ...(fedramp ? { "x-openai-fedramp": "true" } : {}),
    };
  }
}
