import { z } from "zod";

/** When the agent must ask. `granular` is accepted and stored; its switches are read by the tools that they name. */
export const ApprovalPolicy = z.union([
  z.enum(["untrusted", "on-request", "never"]),
  z.object({
    granular: z.object({
      sandbox_approval: z.boolean(),
      rules: z.boolean(),
      skill_approval: z.boolean().default(false),
      request_permissions: z.boolean().default(false),
      mcp_elicitations: z.boolean(),
    }),
  }),
]);
export type ApprovalPolicy = z.infer<typeof ApprovalPolicy>;

/** Which sandbox a thread asks for by name (thread/start, config.toml `sandbox_mode`). */
export const SandboxMode = z.enum(["read-only", "workspace-write", "danger-full-access"]);
export type SandboxMode = z.infer<typeof SandboxMode>;

/** A path from the root. */
export const AbsolutePath = z.string().refine((path) => path.startsWith("/"), "must be absolute");

/** The sandbox of a thread or turn, spelled out. */
export const SandboxPolicy = z.discriminatedUnion("type", [
  z.object({ type: z.literal("dangerFullAccess") }),
  z.object({ type: z.literal("readOnly"), networkAccess: z.boolean().default(false) }),
  z.object({
    type: z.literal("externalSandbox"),
    networkAccess: z.enum(["restricted", "enabled"]).default("restricted"),
  }),
  z.object({
    type: z.literal("workspaceWrite"),
    writableRoots: z.array(AbsolutePath).default([]),
    networkAccess: z.boolean().default(false),
    excludeTmpdirEnvVar: z.boolean().default(false),
    excludeSlashTmp: z.boolean().default(false),
  }),
]);
export type SandboxPolicy = z.infer<typeof SandboxPolicy>;

export const ReasoningEffort = z.string().min(1);
export const ReasoningSummary = z.enum(["auto", "concise", "detailed", "none"]);
export type ReasoningSummary = z.infer<typeof ReasoningSummary>;

export const ApprovalsReviewer = z.enum(["user", "auto_review", "guardian_subagent"]);

/** Where an agent's tools work. This host has one environment, `local`. */
export const TurnEnvironment = z.looseObject({
  environmentId: z.string(),
  cwd: z.string(),
  runtimeWorkspaceRoots: z.array(z.string()).nullish(),
});
export type TurnEnvironment = z.infer<typeof TurnEnvironment>;

/** The settings in force in a thread, for turns to come. */
export const ThreadSettings = z.object({
  disabledPluginIds: z.array(z.string()),
  cwd: z.string(),
  environments: z
    .array(
      z.object({
        environmentId: z.string(),
        cwd: z.string(),
        runtimeWorkspaceRoots: z.array(z.string()),
      }),
    )
    .nullable(),
  approvalPolicy: ApprovalPolicy,
  approvalsReviewer: ApprovalsReviewer,
  sandboxPolicy: SandboxPolicy,
  activePermissionProfile: z.unknown().nullable(),
  model: z.string(),
  modelProvider: z.string(),
  serviceTier: z.string().nullable(),
  effort: ReasoningEffort.nullable(),
  summary: ReasoningSummary.nullable(),
  collaborationMode: z.object({
    mode: z.enum(["plan", "default"]),
    settings: z.object({
      model: z.string(),
      reasoning_effort: z.string().nullable(),
      developer_instructions: z.string().nullable(),
    }),
  }),
  multiAgentMode: z.literal("explicitRequestOnly"),
  personality: z.string().nullable(),
});
export type ThreadSettings = z.infer<typeof ThreadSettings>;
