/** What the turn loop asks of a tool, and what a tool may do while it runs. */
import type { ToolSpec } from "../model/port.ts";
import type { NetworkRules } from "../permissions/network-rules.ts";
import type { ReadOnlyGit } from "../permissions/read-only-git.ts";
import type { SandboxState } from "../permissions/sandbox-state.ts";
import type { ShellEnvironmentPolicy } from "../permissions/shell-environment.ts";
import type { DynamicTool, DynamicToolResult } from "../protocol/dynamic-tools.ts";
import type { ThreadGoal } from "../protocol/goal.ts";
import type { ItemId, ThreadId, TurnId } from "../protocol/ids.ts";
import type { CommandAction, FileUpdateChange, ThreadItem } from "../protocol/item.ts";
import type { Wish } from "../permissions/grants.ts";
import type { AdditionalPermissions, PermissionProfile } from "../protocol/permission-profile.ts";
import type { PermissionsAnswer } from "../protocol/server-requests.ts";
import type { ApprovalPolicy } from "../protocol/settings.ts";

/** A call by the model. `arguments` is JSON text for functions and free text for custom tools. */
export interface ToolCall {
  readonly callId: string;
  readonly name: string;
  readonly kind: "function" | "custom";
  /** Set: the tool is one of this namespace. */
  readonly namespace: string | null;
  readonly arguments: string;
}

/** What goes back to the model. */
export interface ToolOutput {
  /** Text, or content parts such as `{type: "input_image", image_url}`. */
  readonly output:
    | string
    | readonly { readonly type: string; readonly [member: string]: unknown }[];
}

export type CommandVerdict = "run" | "declined" | "failed";

/** A tool asks through this; a person, or an earlier acceptance for the session, answers. `cancel` interrupts the turn, which aborts `signal`. */
export interface Approvals {
  command(question: {
    readonly itemId: ItemId;
    /** What runs: program and arguments. */
    readonly command: readonly string[];
    /** The same as one line, as it is shown. */
    readonly commandLine: string;
    readonly cwd: string;
    /** It runs outside of any sandbox. */
    readonly escalated: boolean;
    readonly reason: string | null;
    readonly actions: readonly CommandAction[];
    /** What it may do on top of the permissions of the thread. */
    readonly wish?: Wish | undefined;
  }): Promise<CommandVerdict>;
  fileChange(question: {
    readonly itemId: ItemId;
    readonly changes: readonly FileUpdateChange[];
    /** Every file that is written, moved or deleted, after symbolic links. */
    readonly realPaths: readonly string[];
    readonly reason: string | null;
  }): Promise<CommandVerdict>;
  /** Undefined: the answer was an error or made no sense. Rejects when aborted. */
  permissions(question: {
    readonly itemId: ItemId;
    readonly cwd: string;
    readonly reason: string | null;
    readonly wish: Wish;
  }): Promise<PermissionsAnswer | undefined>;
}

/** How a turn comes to more than the permissions of its thread. */
export interface TurnGrants {
  /** Whether the tool `request_permissions` is there. */
  readonly isRequestable: boolean;
  /** Whether a single command may ask for more. */
  readonly isPerCommand: boolean;
  /** What was granted so far, for the turn or for the thread; real paths. */
  readonly granted: AdditionalPermissions;
  /** A person wants to be asked about everything that this turn still does. */
  readonly isReviewed: boolean;
  /** Why the machine's owner does not allow to widen the permissions to these. */
  fault(profile: PermissionProfile): string | undefined;
  grant(permissions: AdditionalPermissions, scope: "turn" | "session"): void;
  reviewEverything(): void;
}

/** A host that a command wants to reach through the proxy, and no rule names. */
export interface HostQuestion {
  /** As `hostOf` spells it. */
  readonly host: string;
  readonly port: number;
  /** `https`: a tunnel, whatever is in it. */
  readonly protocol: "http" | "https";
}

/** `closed`: nobody may be asked. `unanswered`: somebody was, in vain. */
export type HostAnswer = "allowed" | "declined" | "unanswered" | "closed";

/** What one command may reach through the proxy. */
export interface CommandNetwork {
  /** As they are now: answers change them. */
  rules(): NetworkRules;
  /** Never rejects; `signal` aborts when the command has ended. */
  ask(question: HostQuestion, signal: AbortSignal): Promise<HostAnswer>;
}

/** The command that reaches out, as a person is shown it. */
export interface ReachingCommand {
  readonly itemId: ItemId;
  readonly command: readonly string[];
  readonly commandLine: string;
  readonly cwd: string;
  readonly actions: readonly CommandAction[];
}

/** What a tool can reach while it runs. */
export interface ToolContext {
  readonly threadId: ThreadId;
  readonly turnId: TurnId;
  readonly cwd: string;
  readonly approvalPolicy: ApprovalPolicy;
  /** With what was granted: it may be wider later in the turn. */
  readonly permissionProfile: PermissionProfile;
  readonly environmentPolicy: ShellEnvironmentPolicy;
  /** Absent: nothing can be granted. */
  readonly grants?: TurnGrants | undefined;
  /** Aborts when the turn is interrupted; a tool then ends what it started. */
  readonly signal: AbortSignal;
  readonly approvals: Approvals;
  /** Undefined: the network of a command that has one is behind no proxy. Throws `ProfileError` where the rules make no sense. */
  readonly network?: ((command: ReachingCommand) => CommandNetwork | undefined) | undefined;
  /** Absent: the thread can have no goal. */
  readonly goals?: GoalTools | undefined;
  /** Tools that a client of the thread offers. */
  readonly dynamicTools: readonly DynamicTool[];
  /** Has such a tool run by a client; undefined: the answer was an error or made no sense. Rejects when aborted. */
  askClient(call: ToolCall, input: unknown): Promise<DynamicToolResult | undefined>;
  /** Announces the item as started. */
  itemStarted(item: ThreadItem): void;
  /** Appends the item to the store, then announces it. */
  itemCompleted(item: ThreadItem): Promise<void>;
  /** Streams a piece of a command's output; not stored. */
  outputDelta(itemId: ItemId, text: string): void;
  terminalInteraction(itemId: ItemId, processId: string, stdin: string): void;
  /** The unified diff of what one patch changed; the turn sums them up. */
  patched(changes: readonly PatchedFile[]): void;
  planUpdated(update: PlanUpdate): void;
}

/** A file before and after a patch; null: it did not or does not exist. Paths are absolute. */
export interface PatchedFile {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
  /** Set when the file moved. */
  readonly movedTo: string | null;
}

export interface PlanUpdate {
  readonly explanation: string | null;
  readonly plan: readonly {
    readonly step: string;
    readonly status: "pending" | "inProgress" | "completed";
  }[];
}

export interface ToolOffer {
  /** Whether the model knows `apply_patch` and `update_plan` as tools of their own. */
  readonly patchTool: boolean;
  readonly dynamicTools: readonly DynamicTool[];
  /** Whether the thread may have a goal. */
  readonly goals: boolean;
  /** Whether the agent may ask for permissions: of its turn, and for a single command. */
  readonly permissions?: Pick<TurnGrants, "isRequestable" | "isPerCommand"> | undefined;
}

/** A command that a person runs by hand in a thread. */
export interface UserCommand {
  /** What the shell is given. */
  readonly script: string;
  readonly timeoutMs: number;
}

export interface UserCommandResult {
  /** -1 when it was stopped or did not start. */
  readonly exitCode: number;
  readonly durationMs: number;
  /** For the model: shortened where it is long. */
  readonly output: string;
}

/** What the model is told of its thread's goal. */
export interface GoalReport {
  readonly goal: ThreadGoal | null;
  /** Null: there is no limit. */
  readonly remainingTokens: number | null;
}

/** What the model may do with its thread's goal. */
export interface GoalTools {
  get(): Promise<GoalReport>;
  create(
    objective: string,
    tokenBudget: number | null,
  ): Promise<GoalReport | { readonly refusal: string }>;
  complete(): Promise<GoalReport | { readonly refusal: string }>;
}

/** A command of the agent's that goes on by itself. */
export interface BackgroundCommand {
  readonly itemId: ItemId;
  /** As its item and the model name it. */
  readonly processId: number;
  /** What the shell was given. */
  readonly script: string;
  readonly cwd: string;
}

export interface Tools {
  specs(offer: ToolOffer): readonly ToolSpec[];
  /** Never rejects for what the call itself did wrong: that is told to the model. Rejects when aborted. */
  run(call: ToolCall, context: ToolContext): Promise<ToolOutput>;
  /**
   * Runs a person's own command in the thread's folder, without a question and outside any sandbox, and
   * resolves when its item is completed: also when it failed, took too long or was aborted.
   */
  runUserCommand(command: UserCommand, context: ToolContext): Promise<UserCommandResult>;
  /** Whether a process of the thread runs, in the background too. */
  hasProcesses(threadId: ThreadId): boolean;
  /** The agent's commands in the thread that go on, by their numbers. */
  background(threadId: ThreadId): readonly BackgroundCommand[];
  /** Begins to end one of them; false: there is none of that number. Its item is completed when it has ended. */
  endBackground(threadId: ThreadId, processId: number): boolean;
  /** Ends every process of the thread. */
  endThread(threadId: ThreadId): Promise<void>;
  close(): Promise<void>;
}

/** In character cells. */
export interface TerminalSize {
  readonly rows: number;
  readonly cols: number;
}

/** A command that a client runs by itself, outside of any thread. */
export interface ClientCommand {
  /** Program and arguments; no shell reads them. */
  readonly command: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** What it inherits of the host's variables. */
  readonly environmentPolicy: ShellEnvironmentPolicy;
  /** Laid over what it inherits; null takes a variable out. */
  readonly env: Readonly<Record<string, string | null>>;
  /** Set: it runs on a terminal, and everything that it writes is `stdout`. */
  readonly terminal: TerminalSize | undefined;
  /** Whether its standard input can be written. */
  readonly takesInput: boolean;
  /** Per stream; what comes after it is read and dropped. */
  readonly outputBytesCap: number | undefined;
  readonly timeoutMs: number | undefined;
  /** What keeps it in bounds, found out before it starts; undefined: nothing does. A rejection is the start's. */
  readonly limit: () => Promise<CommandLimit | undefined>;
}

export type CommandLimit =
  /** The sandbox, with a profile that counts from the command's folder. */
  | {
      readonly kind: "sandbox";
      readonly profile: PermissionProfile;
      /** What the proxy lets through of the profile's network; undefined: there is none. */
      readonly network: NetworkRules | undefined;
    }
  /** Runs this git command instead, so that nothing in the repository makes it run anything else. */
  | { readonly kind: "git"; readonly git: ReadOnlyGit };

export type CommandStream = "stdout" | "stderr";

/** `capReached`: the last piece of its stream, cut at the cap. The process waits for the promise. */
export type CommandOutputListener = (
  stream: CommandStream,
  bytes: Buffer,
  capReached: boolean,
) => Promise<void> | undefined;

export interface ClientProcess {
  readonly hasTerminal: boolean;
  readonly takesInput: boolean;
  /** Resolves when all output was passed on: the exit code, 128 and the signal, or 124 after the time-out. */
  readonly ended: Promise<number>;
  /** Once it has ended: a child that it left behind still held its output open, which was not waited for. */
  readonly outputCut: boolean;
  /** Throws `ClientCommandError` when the process does not read what it was sent before. */
  write(bytes: Buffer): void;
  closeInput(): void;
  readonly inputClosed: boolean;
  resize(size: TerminalSize): void;
  /** By force, with its children. */
  kill(): void;
}

/** A command that did not start (`notStarted`, the system's words) or may not (`refused`). */
export class ClientCommandError extends Error {
  override readonly name = "ClientCommandError";
  readonly kind: "notStarted" | "refused";

  constructor(kind: "notStarted" | "refused", message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** The processes that clients run. Each has an owner, its connection, whose end is the caller's to watch. */
export interface ClientProcesses {
  /** Rejects with `ClientCommandError`. `id` names no other process of `owner` that runs. */
  start(
    owner: object,
    id: string,
    command: ClientCommand,
    onOutput: CommandOutputListener,
  ): Promise<ClientProcess>;
  /** Undefined: `owner` runs none of this id. */
  find(owner: object, id: string): Promise<ClientProcess> | undefined;
  count(owner: object): number;
  /** Whether a command's limit can be the sandbox. */
  sandboxState(): Promise<SandboxState>;
  close(): Promise<void>;
}
