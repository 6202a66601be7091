import { z } from "zod";
import { serverRequest } from "./define.ts";
import { DynamicToolResult } from "./dynamic-tools.ts";
import { ItemId, ThreadId, TurnId } from "./ids.ts";
import { CommandAction } from "./item.ts";
import { AdditionalPermissions, FileSystemEntry, GlobScanMaxDepth } from "./permission-profile.ts";
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

/** What the agent asks for on top of its permissions. `entries` holds all of it; the older `read` and `write` what is plain paths. */
export const RequestedPermissions = z.object({
  network: z.object({ enabled: z.boolean().nullable() }).nullable(),
  fileSystem: z
    .object({
      read: z.array(z.string()).nullable(),
      write: z.array(z.string()).nullable(),
      globScanMaxDepth: GlobScanMaxDepth.optional(),
      entries: z.array(FileSystemEntry).optional(),
    })
    .nullable(),
});
export type RequestedPermissions = z.infer<typeof RequestedPermissions>;

/** What is granted of what was asked for; nothing declines. `turn`, the default: until the turn ends; `session`: while the thread is loaded. */
export const PermissionsAnswer = z.object({
  permissions: AdditionalPermissions,
  scope: z.enum(["turn", "session"]).nullish(),
  /** For the rest of the turn every command and patch is asked about. Not together with `session`. */
  strictAutoReview: z.boolean().nullish(),
});
export type PermissionsAnswer = z.infer<typeof PermissionsAnswer>;

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
    /** What this command asks for on top of its thread's permissions. */
    additionalPermissions: RequestedPermissions.optional(),
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

/** The agent asks for permissions of the turn, or of the thread. */
export const permissionsApproval = serverRequest({
  name: "item/permissions/requestApproval",
  stability: "stable",
  role: "approver",
  params: z.object({
    ...inItem,
    environmentId: z.string().nullable(),
    cwd: z.string(),
    reason: z.string().nullable(),
    permissions: RequestedPermissions,
    ...signature,
  }),
  result: PermissionsAnswer.extend(signed),
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
export const serverRequests = [
  commandApproval,
  fileChangeApproval,
  permissionsApproval,
  dynamicToolCall,
] as const;
