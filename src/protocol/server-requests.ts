import { z } from "zod";
import { serverRequest } from "./define.ts";
import { DynamicToolResult } from "./dynamic-tools.ts";
import { ItemId, ThreadId, TurnId } from "./ids.ts";
import { CommandAction } from "./item.ts";
import { ApprovalChallenge, ApprovalSignature } from "./signed-approval.ts";

const inItem = {
  threadId: ThreadId,
  turnId: TurnId,
  itemId: ItemId,
  /** Unix time in milliseconds. */
  startedAtMs: z.number(),
};

/** Farhelm's own member: present where the host wants the answer signed. */
const signature = { farhelmSignature: ApprovalChallenge.optional() };
const signed = { farhelmSignature: ApprovalSignature.optional() };

/** A rule about one host, for the thread as long as it is loaded. */
export const NetworkPolicyAmendment = z.object({
  host: z.string(),
  action: z.enum(["allow", "deny"]),
});

/** `accept` once, `acceptForSession`: this command, or this host, again without asking, `decline`: go on without it, `cancel`: and stop the turn. */
export const CommandDecision = z.union([
  z.enum(["accept", "acceptForSession", "decline", "cancel"]),
  z.object({
    applyNetworkPolicyAmendment: z.object({ network_policy_amendment: NetworkPolicyAmendment }),
  }),
  z.object({
    acceptWithExecpolicyAmendment: z.object({ execpolicy_amendment: z.array(z.string()) }),
  }),
]);
export type CommandDecision = z.infer<typeof CommandDecision>;

export const FileChangeDecision = z.enum(["accept", "acceptForSession", "decline", "cancel"]);
export type FileChangeDecision = z.infer<typeof FileChangeDecision>;

export const commandApproval = serverRequest({
  name: "item/commandExecution/requestApproval",
  stability: "stable",
  role: "approver",
  params: z.object({
    kind: z.literal("command"),
    ...inItem,
    environmentId: z.string().nullable(),
    /** Why the agent wants it, in its own words. */
    reason: z.string().nullable(),
    /** The whole command line as it will run. */
    command: z.string(),
    cwd: z.string(),
    commandActions: z.array(CommandAction),
    /** There where the command runs already and wants to reach a host; several such questions may belong to one item. */
    approvalId: z.string().optional(),
    networkApprovalContext: z
      .object({ host: z.string(), protocol: z.enum(["http", "https"]) })
      .optional(),
    proposedNetworkPolicyAmendments: z.array(NetworkPolicyAmendment).optional(),
    proposedExecpolicyAmendment: z.array(z.string()).optional(),
    availableDecisions: z.array(CommandDecision),
    ...signature,
  }),
  result: z.object({ decision: CommandDecision, ...signed }),
});

export const fileChangeApproval = serverRequest({
  name: "item/fileChange/requestApproval",
  stability: "stable",
  role: "approver",
  params: z.object({
    ...inItem,
    reason: z.string().nullable(),
    grantRoot: z.string().nullable(),
    ...signature,
  }),
  result: z.object({ decision: FileChangeDecision, ...signed }),
});

/** The agent calls a tool that a client offered with thread/start. */
export const dynamicToolCall = serverRequest({
  name: "item/tool/call",
  stability: "experimental",
  role: "operator",
  params: z.object({
    threadId: ThreadId,
    turnId: TurnId,
    callId: z.string(),
    namespace: z.string().nullable(),
    tool: z.string(),
    arguments: z.unknown(),
  }),
  result: DynamicToolResult,
});

/** Everything that the server may ask. */
export const serverRequests = [commandApproval, fileChangeApproval, dynamicToolCall] as const;
