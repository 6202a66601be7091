import type { ApprovalSubject } from "../auth/port.ts";
import type { ServerRequestSpec } from "../protocol/define.ts";
import type { CommandDecision } from "../protocol/server-requests.ts";
import { commandApproval, fileChangeApproval } from "../protocol/server-requests.ts";
import type { Approvals, CommandVerdict } from "../tools/port.ts";
import { unreachable } from "../util/unreachable.ts";
import type { ApprovalDesk } from "./approval-desk.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import type { TurnId } from "../protocol/ids.ts";
import type { z } from "zod";

export interface ApprovalOwner {
  readonly thread: LoadedThread;
  readonly turnId: TurnId;
  readonly desk: ApprovalDesk;
  readonly signal: AbortSignal;
  /** A person answered `cancel`: the turn ends once the item is settled. */
  cancel(): void;
  /** The turn ends now; `signal` aborts. */
  interrupt(): void;
}

type Spec = ServerRequestSpec<string, z.ZodType, z.ZodType<{ readonly decision: CommandDecision }>>;

/** Asks people on behalf of tools, unless the thread has its answer already. */
export function createApprovals(owner: ApprovalOwner): Approvals {
  const ids = { threadId: owner.thread.id, turnId: owner.turnId };
  return {
    async command({ itemId, command, commandLine, cwd, escalated, reason, actions }) {
      const key = acceptanceOf(command, cwd);
      if (owner.thread.accepted.has(key)) return "run";
      const amendment = [...command];
      const subject = { kind: "command" as const, ...ids, itemId, command, cwd, escalated };
      const decision = await ask(owner, subject, commandApproval, {
        kind: "command",
        ...ids,
        itemId,
        startedAtMs: Date.now(),
        environmentId: "local",
        reason,
        command: commandLine,
        cwd,
        commandActions: actions,
        proposedExecpolicyAmendment: amendment,
        availableDecisions: [
          "accept",
          { acceptWithExecpolicyAmendment: { execpolicy_amendment: amendment } },
          "cancel",
        ],
      });
      return verdictOf(owner, decision, key);
    },
    async fileChange({ itemId, changes, realPaths, reason }) {
      const keys = changes.map(({ path }) => acceptanceOf(["apply_patch"], path));
      if (keys.every((key) => owner.thread.accepted.has(key))) return "run";
      const subject = { kind: "fileChange" as const, ...ids, itemId, changes, realPaths };
      const decision = await ask(owner, subject, fileChangeApproval, {
        ...ids,
        itemId,
        startedAtMs: Date.now(),
        reason,
        grantRoot: null,
      });
      const verdict = verdictOf(owner, decision, ...keys);
      if (decision === "cancel") owner.interrupt();
      owner.signal.throwIfAborted();
      return verdict;
    },
  };
}

async function ask(
  owner: ApprovalOwner,
  subject: ApprovalSubject,
  spec: Spec,
  params: object,
): Promise<CommandDecision | undefined> {
  owner.thread.transition({ kind: "asked" });
  const { thread, turnId, signal } = owner;
  const end = await owner.desk.ask(
    { threadId: thread.id, turnId, itemId: subject.itemId, spec, params, signal },
    subject,
  );
  owner.thread.transition({ kind: "answered" });
  owner.signal.throwIfAborted();
  return end.kind === "resolved" ? end.decision.decision : undefined;
}

function verdictOf(
  owner: ApprovalOwner,
  decision: CommandDecision | undefined,
  ...keys: readonly string[]
): CommandVerdict {
  if (decision === undefined) return "failed";
  if (typeof decision === "object")
    return "applyNetworkPolicyAmendment" in decision ? "failed" : remember(owner, keys);
  switch (decision) {
    case "accept":
      return "run";
    case "acceptForSession":
      return remember(owner, keys);
    case "decline":
      return "declined";
    case "cancel":
      owner.cancel();
      return "declined";
    default:
      return unreachable(decision);
  }
}

function remember(owner: ApprovalOwner, keys: readonly string[]): CommandVerdict {
  for (const key of keys) owner.thread.accepted.add(key);
  return "run";
}

const acceptanceOf = (command: readonly string[], place: string): string =>
  JSON.stringify([place, ...command]);
