/** `request_permissions`: the agent asks for more than the profile of its thread gives. */
import {
  grantable,
  grantedOf,
  isNothing,
  mergedGrants,
  permissionsOf,
  type Wish,
  wishOf,
} from "../permissions/grants.ts";
import { askRule } from "../permissions/approval-policy.ts";
import { grantedText } from "../permissions/grant-spelling.ts";
import { grantEntries, withGrant } from "../permissions/profile-algebra.ts";
import { ItemId } from "../protocol/ids.ts";
import type { PermissionsAnswer } from "../protocol/server-requests.ts";
import type { ApprovalPolicy } from "../protocol/settings.ts";
import { groundAt } from "../util/ground.ts";
import { readPermissions } from "./permission-arguments.ts";
import type { ToolCall, ToolContext, ToolOutput, TurnGrants } from "./port.ts";
import { Arguments, CallError } from "./tool-arguments.ts";

/** What a thread may have been granted in all. */
const maxGranted = 512;

const noWish: Wish = { network: false, entries: [] };

/** Undefined: the tool is not offered here. */
export async function requestPermissions(
  call: ToolCall,
  context: ToolContext,
): Promise<ToolOutput | undefined> {
  const { grants } = context;
  if (!grants?.isRequestable) return undefined;
  const input = new Arguments(call.arguments);
  checkEnvironment(input);
  const asked = readPermissions(input.member("permissions"), context.cwd);
  if (!asked) throw new CallError("request_permissions requires at least one permission");
  if (!mayAsk(context.approvalPolicy)) return report(noWish, "turn");
  const wish = possible(asked, grants, context);
  const answer = await context.approvals.permissions({
    itemId: ItemId.parse(call.callId),
    cwd: context.cwd,
    reason: input.optionalText("reason") ?? null,
    wish,
  });
  context.signal.throwIfAborted();
  return answer ? settle(wish, answer, grants, context) : report(noWish, "turn");
}

function checkEnvironment(input: Arguments): void {
  const environment = input.optionalText("environment_id") ?? "local";
  if (environment !== "local")
    throw new CallError(`unknown turn environment id \`${environment}\``);
}

function mayAsk(policy: ApprovalPolicy): boolean {
  return typeof policy === "string" ? policy !== "never" : policy.granular.request_permissions;
}

/** The part that a person can grant. Throws `CallError` where there is none. */
export function possible(
  asked: Parameters<typeof wishOf>[0],
  grants: TurnGrants,
  { cwd, permissionProfile }: Pick<ToolContext, "cwd" | "permissionProfile">,
): Wish {
  const ground = groundAt(cwd);
  const wish = grantable(
    placed(() => wishOf(asked, ground)),
    permissionProfile,
    ground,
  );
  if (isNothing(wish)) {
    throw new CallError(
      "the permissions of this thread deny all of that, and nobody can grant it; do without it, or tell the user",
    );
  }
  const granted = mergedGrants(grants.granted, permissionsOf(wish));
  if (grantEntries(granted).length > maxGranted) {
    throw new CallError(
      `this thread would be granted more than ${maxGranted} paths; ask for their folder`,
    );
  }
  const fault = grants.fault(withGrant(permissionProfile, permissionsOf(wish), ground));
  if (fault === undefined) return wish;
  throw new CallError(`these permissions are not allowed on this machine: ${fault}`);
}

function placed(work: () => Wish): Wish {
  try {
    return work();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CallError(`a path cannot be followed: ${why}`);
  }
}

/** A review of every command is of this turn alone, and somebody has to be there who is asked. */
function settle(
  wish: Wish,
  { permissions, scope, strictAutoReview }: PermissionsAnswer,
  grants: TurnGrants,
  { cwd, approvalPolicy }: ToolContext,
): ToolOutput {
  const isReviewed = strictAutoReview === true;
  const isKept = !isReviewed || (scope !== "session" && askRule(approvalPolicy) !== "never");
  const granted = isKept ? placed(() => grantedOf(wish, permissions, groundAt(cwd))) : noWish;
  if (isNothing(granted)) return report(noWish, isKept ? (scope ?? "turn") : "turn");
  if (isReviewed) grants.reviewEverything();
  grants.grant(permissionsOf(granted), scope ?? "turn");
  return report(granted, scope ?? "turn", isReviewed);
}

function report(granted: Wish, scope: "turn" | "session", isReviewed = false): ToolOutput {
  const permissions = grantedText(granted);
  const review = isReviewed ? { strict_auto_review: true } : {};
  return { output: JSON.stringify({ permissions, scope, ...review }) };
}
