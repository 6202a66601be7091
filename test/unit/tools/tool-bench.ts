/** A turn that records what a tool tells it and answers its questions. */
import { profileOfPolicy } from "../../../src/permissions/legacy-policy.ts";
import type { ShellEnvironmentPolicy } from "../../../src/permissions/shell-environment.ts";
import { standardEnvironment } from "../../../src/permissions/shell-environment.ts";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import type { ThreadItem } from "../../../src/protocol/item.ts";
import type { ApprovalPolicy, SandboxPolicy } from "../../../src/protocol/settings.ts";
import type {
  CommandVerdict,
  PatchedFile,
  PlanUpdate,
  ToolContext,
  Tools,
} from "../../../src/tools/port.ts";
import { noConfinement } from "../../helpers/no-sandbox.ts";
import { createTools, type ToolsOptions } from "../../../src/tools/registry.ts";

export type Told =
  | { readonly kind: "started"; readonly item: ThreadItem }
  | { readonly kind: "completed"; readonly item: ThreadItem }
  | { readonly kind: "asked"; readonly question: object }
  | { readonly kind: "delta"; readonly text: string }
  | { readonly kind: "typed"; readonly processId: string; readonly stdin: string };

export class ToolBench {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "farhelm-tools-")));
  readonly tools: Tools;
  readonly told: Told[] = [];
  readonly patched: PatchedFile[] = [];
  readonly plans: PlanUpdate[] = [];
  readonly abort = new AbortController();
  approvalPolicy: ApprovalPolicy = "on-request";
  sandboxPolicy: SandboxPolicy = { type: "dangerFullAccess" };
  environmentPolicy: ShellEnvironmentPolicy = standardEnvironment;
  /** How the person answers. */
  verdict: () => Promise<CommandVerdict> = () => Promise.resolve("run");
  /** What a client of the thread offers, and how it answers. */
  dynamicTools: ToolContext["dynamicTools"] = [];
  askClient: ToolContext["askClient"] = () => Promise.resolve(undefined);
  #calls = 0;
  #waiters: (() => void)[] = [];

  constructor(options: Partial<ToolsOptions> = {}) {
    this.tools = createTools({
      log: { warn: () => undefined },
      shell: "/bin/bash",
      protectedPaths: [],
      confinement: noConfinement,
      ...options,
    });
  }

  context(threadId = "thread"): ToolContext {
    return {
      threadId: ThreadId.parse(threadId),
      turnId: TurnId.parse("turn"),
      cwd: this.folder,
      approvalPolicy: this.approvalPolicy,
      permissionProfile: profileOfPolicy(this.sandboxPolicy),
      environmentPolicy: this.environmentPolicy,
      signal: this.abort.signal,
      dynamicTools: this.dynamicTools,
      askClient: (call, input) => this.askClient(call, input),
      approvals: {
        command: (question) => this.#ask(question),
        fileChange: (question) => this.#ask(question),
        permissions: () => Promise.resolve(undefined),
      },
      itemStarted: (item) => this.#tell({ kind: "started", item }),
      itemCompleted: async (item) => {
        await Promise.resolve();
        this.#tell({ kind: "completed", item });
      },
      outputDelta: (_, text) => this.#tell({ kind: "delta", text }),
      terminalInteraction: (_, processId, stdin) => this.#tell({ kind: "typed", processId, stdin }),
      patched: (changes) => this.patched.push(...changes),
      planUpdated: (update) => this.plans.push(update),
    };
  }

  /** Runs a function tool and returns what the model reads. */
  async call(name: string, input: object | string, threadId?: string): Promise<string> {
    const text = typeof input === "string" ? input : JSON.stringify(input);
    const { output } = await this.tools.run(
      { callId: `call_${++this.#calls}`, name, kind: "function", namespace: null, arguments: text },
      this.context(threadId),
    );
    return typeof output === "string" ? output : JSON.stringify(output);
  }

  exec(cmd: string, more: object = {}): Promise<string> {
    return this.call("exec_command", { cmd, ...more });
  }

  patch(...lines: readonly string[]): Promise<string> {
    return this.call("apply_patch", {
      input: ["*** Begin Patch", ...lines, "*** End Patch"].join("\n"),
    });
  }

  items(kind: "started" | "completed"): ThreadItem[] {
    return this.told.flatMap((entry) => (entry.kind === kind ? [entry.item] : []));
  }

  get streamed(): string {
    return this.told.map((entry) => (entry.kind === "delta" ? entry.text : "")).join("");
  }

  /** Resolves as soon as `holds` does. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve);
      });
    }
  }

  async close(): Promise<void> {
    await this.tools.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #ask(question: object): Promise<CommandVerdict> {
    this.#tell({ kind: "asked", question });
    return this.verdict();
  }

  #tell(entry: Told): void {
    this.told.push(entry);
    for (const wake of this.#waiters.splice(0)) wake();
  }
}
