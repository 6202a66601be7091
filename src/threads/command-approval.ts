import type { z } from "zod";
import type { ApprovalSubject } from "../auth/port.ts";
import { additionsOf, requestedOf } from "../permissions/grant-spelling.ts";
import { besideGranted } from "../permissions/grants.ts";
import type { ApprovalGains } from "../protocol/approval-gains.ts";
import type { ServerRequestSpec } from "../protocol/define.ts";
import type { TurnId } from "../protocol/ids.ts";
import type { CommandDecision } from "../protocol/server-requests.ts";
import {
  commandApproval,
  fileChangeApproval,
  permissionsApproval,
} from "../protocol/server-requests.ts";
import type { Approvals, CommandVerdict } from "../tools/port.ts";
import { unreachable } from "../util/unreachable.ts";
import type { ApprovalDesk } from "./approval-desk.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import type { GrantsOfTurn } from "./turn-grants.ts";

export interface ApprovalOwner {
  readonly thread: LoadedThread;
  readonly turnId: TurnId;
  readonly desk: ApprovalDesk;
  readonly grants: GrantsOfTurn;
  readonly signal: AbortSignal;
  /** A person answered `cancel`: the turn ends once the item is settled. */
  cancel(): void;
  /** The turn ends now; `signal` aborts. */
  interrupt(): void;
}

type Spec<Answer> = ServerRequestSpec<string, z.ZodType, z.ZodType<Answer>>;

/** Asks people on behalf of tools, unless the thread has its answer already. */
export function createApprovals(owner: ApprovalOwner): Approvals {
  const ids = { threadId: owner.thread.id, turnId: owner.turnId };
  const isAccepted = (key: string): boolean =>
    !owner.grants.isReviewed && owner.thread.accepted.has(key);
  return {
    async command({ itemId, command, commandLine, cwd, escalated, reason, actions, wish }) {
      const additions = wish && additionsOf(wish);
      const key = acceptanceOf(
        command,
        cwd,
        ...(escalated || additions ? [{ escalated, additions }] : []),
      );
      if (isAccepted(key)) return "run";
      const amendment = [...command];
      const rights = { escalated, ...(additions && { additions }) };
      const subject = { kind: "command" as const, ...ids, itemId, command, cwd, ...rights };
      const gains = owner.grants.gainsOfRunning(escalated, wish);
      const { granted } = owner.grants;
      const answer = await ask(owner, subject, commandApproval, gains, {
        kind: "command",
        ...ids,
        itemId,
        startedAtMs: Date.now(),
        environmentId: "local",
        reason,
        command: commandLine,
        cwd,
        commandActions: actions,
        ...(wish && { additionalPermissions: requestedOf(besideGranted(wish, granted)) }),
        proposedExecpolicyAmendment: amendment,
        availableDecisions: wish
          ? ["accept", "cancel"]
          : [
              "accept",
              { acceptWithExecpolicyAmendment: { execpolicy_amendment: amendment } },
              "cancel",
            ],
      });
      return verdictOf(owner, answer?.decision, key);
    },
    async fileChange({ itemId, changes, realPaths, reason }) {
      // by where things really lie: a link may lead elsewhere by now, and a move writes two places
      const keys = realPaths.map((real) => acceptanceOf(["apply_patch"], real));
      if (keys.every(isAccepted)) return "run";
      const subject = { kind: "fileChange" as const, ...ids, itemId, changes, realPaths };
      const gains = owner.grants.gainsOfWriting(realPaths);
      const answer = await ask(owner, subject, fileChangeApproval, gains, {
        ...ids,
        itemId,
        startedAtMs: Date.now(),
        reason,
        grantRoot: null,
      });
      const verdict = verdictOf(owner, answer?.decision, ...keys);
      if (answer?.decision === "cancel") owner.interrupt();
      owner.signal.throwIfAborted();
      return verdict;
    },
    permissions({ itemId, cwd, reason, wish }) {
      const subject = {
        kind: "permissions" as const,
        ...ids,
        itemId,
        cwd,
        additions: additionsOf(wish),
      };
      const gains = owner.grants.gainsOfRunning(false, wish);
      return ask(owner, subject, permissionsApproval, gains, {
        ...ids,
        itemId,
        environmentId: "local",
        startedAtMs: Date.now(),
        cwd,
        reason,
        permissions: requestedOf(wish),
      });
    },
  };
}

async function ask<Answer>(
  owner: ApprovalOwner,
  subject: ApprovalSubject,
  spec: Spec<Answer>,
  gains: ApprovalGains,
  params: object,
): Promise<Answer | undefined> {
  owner.thread.transition({ kind: "asked" });
  const { thread, turnId, signal } = owner;
  const end = await owner.desk.ask(
    { threadId: thread.id, turnId, itemId: subject.itemId, spec, params, gains, signal },
    subject,
  );
  owner.thread.transition({ kind: "answered" });
  owner.signal.throwIfAborted();
  return end.kind === "resolved" ? end.decision : undefined;
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

/** `rights`: what it may do beyond others; who accepted it without does not accept it with them. */
const acceptanceOf = (
  command: readonly string[],
  place: string,
  ...rights: readonly object[]
): string => JSON.stringify([place, ...command, ...rights]);
