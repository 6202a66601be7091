import { z } from "zod";
import { ThreadId } from "./ids.ts";
import { ThreadSection } from "./section.ts";
import { Turn } from "./turn.ts";

export const ThreadStatus = z.discriminatedUnion("type", [
  z.object({ type: z.literal("notLoaded") }),
  z.object({ type: z.literal("idle") }),
  z.object({ type: z.literal("systemError") }),
  z.object({
    type: z.literal("active"),
    activeFlags: z.array(z.enum(["waitingOnApproval", "waitingOnUserInput"])),
  }),
]);
export type ThreadStatus = z.infer<typeof ThreadStatus>;

export const GitInfo = z.object({
  sha: z.string().nullable(),
  branch: z.string().nullable(),
  originUrl: z.string().nullable(),
});
export type GitInfo = z.infer<typeof GitInfo>;

/** Which program made a thread. The stock client lists `cli` and `vscode`. */
export const SessionSource = z.union([z.string(), z.looseObject({})]);
export type SessionSource = z.infer<typeof SessionSource>;

export const Thread = z.looseObject({
  id: ThreadId,
  sessionId: z.string(),
  forkedFromId: z.string().nullable(),
  attachedToThreadId: z.string().nullable(),
  parentThreadId: z.string().nullable(),
  /** The first thing that a person wrote, cut. */
  preview: z.string(),
  ephemeral: z.boolean(),
  section: ThreadSection.nullable(),
  /** When it entered that section. */
  sectionEnteredAt: z.number().nullable(),
  projectId: z.string().nullable(),
  historyMode: z.enum(["legacy", "paginated"]),
  modelProvider: z.string(),
  model: z.string().nullable(),
  reasoningEffort: z.string().nullable(),
  /** Unix time in seconds, like every `…At` here. */
  createdAt: z.number(),
  updatedAt: z.number(),
  recencyAt: z.number().nullable(),
  status: ThreadStatus,
  /** The rollout file; null for an ephemeral thread and in stores without files. */
  path: z.string().nullable(),
  cwd: z.string(),
  cliVersion: z.string(),
  originator: z.string().nullable(),
  source: SessionSource,
  canAcceptDirectInput: z.boolean().nullable(),
  threadSource: z.string().nullable(),
  agentNickname: z.string().nullable(),
  agentRole: z.string().nullable(),
  gitInfo: GitInfo.nullable(),
  name: z.string().nullable(),
  daybreakEnabled: z.boolean().nullable(),
  environments: z
    .array(
      z.object({
        environmentId: z.string(),
        cwd: z.string(),
        runtimeWorkspaceRoots: z.array(z.string()),
      }),
    )
    .nullable(),
  extra: z.unknown().nullable(),
  /** Filled only by thread/resume, thread/fork and thread/read with includeTurns; else empty. */
  turns: z.array(Turn),
});
export type Thread = z.infer<typeof Thread>;
