/** What an agent identity says of itself, from a JWT's claims or from auth.json. */
import { missingClaim } from "../crypto/agent-identity-token.ts";
import { isSendable } from "./sendable.ts";

type Members = Readonly<Record<string, unknown>>;

export interface AgentIdentityRecord {
  readonly runtimeId: string;
  /** PKCS #8 in base64; secret. */
  readonly privateKey: string;
  readonly accountId: string;
  readonly userId: string;
  readonly email: string | null;
  readonly planType: string;
  readonly fedramp: boolean;
  /** A task that is registered already. */
  readonly taskId: string | undefined;
}

/** Of a JWT. Throws an error that names the claim at fault. */
export const recordOfClaims = (claims: Members): AgentIdentityRecord =>
  readRecord({ ...claims, task_id: undefined }, missingClaim);

/** Of auth.json. Throws an error that names the member at fault. */
export const recordOfFile = (members: Members): AgentIdentityRecord =>
  readRecord(members, (name) => new Error(`its member ${name} is missing or not valid`));

function readRecord(members: Members, fault: (name: string) => Error): AgentIdentityRecord {
  const text = (name: string): string => {
    const value = members[name];
    if (typeof value !== "string" || value === "") throw fault(name);
    return value;
  };
  const runtimeId = text("agent_runtime_id");
  const privateKey = text("agent_private_key");
  const accountId = text("account_id");
  const userId = text("chatgpt_user_id");
  const planType = text("plan_type");
  const { chatgpt_account_is_fedramp: fedramp, email, task_id: taskId } = members;
  if (typeof fedramp !== "boolean") throw fault("chatgpt_account_is_fedramp");
  if (!isSendable(accountId)) throw fault("account_id");
  if (!isJoinable(runtimeId)) throw fault("agent_runtime_id");
  return {
    runtimeId,
    privateKey,
    accountId,
    userId,
    email: typeof email === "string" ? email : null,
    planType,
    fedramp,
    taskId: typeof taskId === "string" && isJoinable(taskId) ? taskId : undefined,
  };
}

/** Signed texts join ids with colons: an id that holds one could be read in two ways. */
export const isJoinable = (id: string): boolean => isSendable(id) && !id.includes(":");
