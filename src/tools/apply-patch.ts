/** `apply_patch`: changes files, after approval where one is needed. */
import { isDeepStrictEqual } from "node:util";
import { relative } from "node:path";
import { decidePatch } from "../permissions/patch-decision.ts";
import { ItemId } from "../protocol/ids.ts";
import type { FileChangeItem, WorkStatus } from "../protocol/item.ts";
import type { ClosedFiles } from "./closed-files.ts";
import type { Environment } from "./command-environment.ts";
import { itemChanges, patchedFiles, summaryLines } from "./patch-changes.ts";
import { type FileOperation, parsePatch, PatchError } from "./patch-grammar.ts";
import type { PatchJournal } from "./patch-journal.ts";
import { type PlannedFile, planPatch } from "./patch-plan.ts";
import { writePatch } from "./patch-write.ts";
import type { CommandVerdict, ToolCall, ToolContext, ToolOutput } from "./port.ts";
import { groundAt } from "../util/ground.ts";
import { Arguments, hasHalfCharacter } from "./tool-arguments.ts";

/** `text` is for the model. */
export interface PatchOutcome {
  readonly applied: boolean;
  readonly text: string;
}

export class ApplyPatch {
  readonly #closed: ClosedFiles;
  readonly #environment: Environment;
  readonly #journal: PatchJournal;

  constructor(closed: ClosedFiles, environment: Environment, journal: PatchJournal) {
    this.#closed = closed;
    this.#environment = environment;
    this.#journal = journal;
  }

  async run(call: ToolCall, context: ToolContext): Promise<ToolOutput> {
    const text =
      call.kind === "custom" ? call.arguments : new Arguments(call.arguments).text("input");
    return { output: (await this.apply(call.callId, text, context.cwd, context)).text };
  }

  /** Rejects when the turn was interrupted; whatever else goes wrong is in the outcome. */
  async apply(
    callId: string,
    text: string,
    cwd: string,
    context: ToolContext,
  ): Promise<PatchOutcome> {
    let operations: readonly FileOperation[];
    let files: readonly PlannedFile[];
    try {
      if (hasHalfCharacter(text)) throw new PatchError("it holds half a character");
      operations = parsePatch(text);
      if (operations.length === 0) throw new PatchError("the patch is empty");
      files = planPatch(operations, cwd, this.#closed(context));
    } catch (error) {
      return refused(`apply_patch verification failed: ${sentenceOf(error)}`);
    }
    const decision = this.#decide(files, context);
    if (decision.kind === "refuse") return refused(decision.message);
    const item: FileChangeItem = {
      type: "fileChange",
      id: ItemId.parse(callId),
      changes: itemChanges(files),
      status: "inProgress",
      startedAtMs: Date.now(),
      completedAtMs: null,
    };
    context.signal.throwIfAborted();
    context.itemStarted(item);
    if (decision.kind === "ask") {
      const refusal = await askForPatch(item, files, decision.reason, context);
      if (refusal !== undefined) return refused(refusal);
      const problem = this.#changedMeanwhile(operations, files, cwd, context);
      if (problem !== undefined) return fail(item, problem, context);
    }
    return write(item, files, cwd, context, this.#journal);
  }

  #decide(files: readonly PlannedFile[], context: ToolContext): ReturnType<typeof decidePatch> {
    return decidePatch({
      approvalPolicy: context.approvalPolicy,
      profile: context.permissionProfile,
      isReviewed: context.grants?.isReviewed ?? false,
      ground: groundAt(context.cwd, this.#environment),
      paths: files.map((file) => file.real),
    });
  }

  /** What a person saw has to be what is done, however long they took. */
  #changedMeanwhile(
    operations: readonly FileOperation[],
    files: readonly PlannedFile[],
    cwd: string,
    context: ToolContext,
  ): string | undefined {
    try {
      if (isDeepStrictEqual(planPatch(operations, cwd, this.#closed(context)), files))
        return undefined;
    } catch {
      // it no longer fits at all: the same answer
    }
    return "the files changed while the patch waited for approval, so it was not applied; read them again";
  }
}

function refused(text: string): PatchOutcome {
  return { applied: false, text };
}

async function askForPatch(
  item: FileChangeItem,
  files: readonly PlannedFile[],
  reason: string | null,
  context: ToolContext,
): Promise<string | undefined> {
  const realPaths = files.map(({ real }) => real);
  const verdict = await context.approvals
    .fileChange({ itemId: item.id, changes: item.changes, realPaths, reason })
    .catch((): CommandVerdict => "failed");
  // an interrupted turn leaves the item open, as the protocol has it
  context.signal.throwIfAborted();
  if (verdict === "run") return undefined;
  if (verdict === "declined") {
    await context.itemCompleted(ended(item, "declined"));
    return "patch rejected by the user: nothing was changed; ask what to do instead";
  }
  await context.itemCompleted(ended(item, "failed"));
  return "the approval request failed, so the patch was not applied";
}

async function write(
  item: FileChangeItem,
  files: readonly PlannedFile[],
  cwd: string,
  context: ToolContext,
  journal: PatchJournal,
): Promise<PatchOutcome> {
  const startedMs = performance.now();
  try {
    writePatch(files, journal);
  } catch (error) {
    return fail(
      item,
      `the patch could not be written, and nothing was changed: ${sentenceOf(error)}`,
      context,
    );
  }
  await context.itemCompleted(ended(item, "completed"));
  context.patched(patchedFiles(files));
  const summary = summaryLines(files, (path) => relative(cwd, path));
  return {
    applied: true,
    text: `${report(0, startedMs)}Success. Updated the following files:\n${summary}`,
  };
}

async function fail(
  item: FileChangeItem,
  problem: string,
  context: ToolContext,
): Promise<PatchOutcome> {
  const startedMs = performance.now();
  await context.itemCompleted(ended(item, "failed"));
  return { applied: true, text: `${report(1, startedMs)}${problem}\n` };
}

/** The labels are the protocol's: models are trained on them. */
function report(exitCode: number, startedMs: number): string {
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  return `Exit code: ${exitCode}\nWall time: ${seconds} seconds\nOutput:\n`;
}

function ended(item: FileChangeItem, status: WorkStatus): FileChangeItem {
  return { ...item, status, completedAtMs: Date.now() };
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
