import { z } from "zod";
import { ItemId, TurnId } from "./ids.ts";
import { UserInput } from "./user-input.ts";

/** What a shell command will do, as far as its text tells. */
export const CommandAction = z.discriminatedUnion("type", [
  z.object({ type: z.literal("read"), command: z.string(), name: z.string(), path: z.string() }),
  z.object({ type: z.literal("listFiles"), command: z.string(), path: z.string().nullable() }),
  z.object({
    type: z.literal("search"),
    command: z.string(),
    query: z.string().nullable(),
    path: z.string().nullable(),
  }),
  z.object({ type: z.literal("unknown"), command: z.string() }),
]);
export type CommandAction = z.infer<typeof CommandAction>;

/** One file of a patch. `diff` is the whole text for `add` and `delete`, unified hunks for `update`. */
export const FileUpdateChange = z.object({
  path: z.string(),
  kind: z.discriminatedUnion("type", [
    z.object({ type: z.literal("add") }),
    z.object({ type: z.literal("delete") }),
    z.object({ type: z.literal("update"), move_path: z.string().nullable() }),
  ]),
  diff: z.string(),
});
export type FileUpdateChange = z.infer<typeof FileUpdateChange>;

export const WorkStatus = z.enum(["inProgress", "completed", "failed", "declined"]);
export type WorkStatus = z.infer<typeof WorkStatus>;

/** Unix times in milliseconds; null until they happen. */
const lifecycle = {
  id: ItemId,
  startedAtMs: z.number().nullish(),
  completedAtMs: z.number().nullish(),
};

export const UserMessageItem = z.looseObject({
  ...lifecycle,
  type: z.literal("userMessage"),
  /** The id that the sender gave the message, echoed so that it knows its own. */
  clientId: z.string().nullable(),
  content: z.array(UserInput),
});
export type UserMessageItem = z.infer<typeof UserMessageItem>;

export const AgentMessageItem = z.looseObject({
  ...lifecycle,
  type: z.literal("agentMessage"),
  text: z.string(),
  phase: z.string().nullable(),
  memoryCitation: z.unknown().nullable(),
  delivery: z.unknown().nullable(),
  questions: z.array(z.unknown()).nullable(),
  moderation: z.unknown().nullable(),
});
export type AgentMessageItem = z.infer<typeof AgentMessageItem>;

export const ReasoningItem = z.looseObject({
  ...lifecycle,
  type: z.literal("reasoning"),
  summary: z.array(z.string()),
  content: z.array(z.string()),
});
export type ReasoningItem = z.infer<typeof ReasoningItem>;

export const CommandExecutionItem = z.looseObject({
  ...lifecycle,
  type: z.literal("commandExecution"),
  command: z.string(),
  cwd: z.string(),
  processId: z.string().nullable(),
  source: z.enum(["agent", "userShell", "unifiedExecStartup", "unifiedExecInteraction"]),
  status: WorkStatus,
  commandActions: z.array(CommandAction),
  /** Standard output and error in the order they came, capped; null while running or when there was none. */
  aggregatedOutput: z.string().nullable(),
  exitCode: z.number().int().nullable(),
  durationMs: z.number().nullable(),
  pluginId: z.string().nullable(),
  scriptPath: z.string().nullable(),
});
export type CommandExecutionItem = z.infer<typeof CommandExecutionItem>;

export const FileChangeItem = z.looseObject({
  ...lifecycle,
  type: z.literal("fileChange"),
  changes: z.array(FileUpdateChange),
  status: WorkStatus,
});
export type FileChangeItem = z.infer<typeof FileChangeItem>;

export const ImageViewItem = z.looseObject({
  ...lifecycle,
  type: z.literal("imageView"),
  path: z.string(),
});
export type ImageViewItem = z.infer<typeof ImageViewItem>;

/** An item of a kind that this version does not make itself: kept whole, shown by name. */
export const OtherItem = z.looseObject({
  ...lifecycle,
  type: z.enum([
    "plan",
    "hookPrompt",
    "functionCallOutput",
    "mcpToolCall",
    "dynamicToolCall",
    "collabAgentToolCall",
    "subAgentActivity",
    "webSearch",
    "sleep",
    "imageGeneration",
    "enteredReviewMode",
    "exitedReviewMode",
    "contextCompaction",
  ]),
});
export type OtherItem = z.infer<typeof OtherItem>;

/** One thing that happened in a turn. */
export const ThreadItem = z.discriminatedUnion("type", [
  UserMessageItem,
  AgentMessageItem,
  ReasoningItem,
  CommandExecutionItem,
  FileChangeItem,
  ImageViewItem,
  OtherItem,
]);
export type ThreadItem = z.infer<typeof ThreadItem>;

/** An item of thread/items/list, with the turn that it belongs to. */
export const ThreadItemEntry = z.object({
  turnId: TurnId,
  item: ThreadItem,
  /** Its output was left out, as the caller wished. */
  outputDeferred: z.literal(true).optional(),
  startedAtMs: z.number().nullable(),
  completedAtMs: z.number().nullable(),
});
export type ThreadItemEntry = z.infer<typeof ThreadItemEntry>;
