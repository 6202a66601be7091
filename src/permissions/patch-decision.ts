import type { PermissionProfile } from "../protocol/permission-profile.ts";
import type { ApprovalPolicy } from "../protocol/settings.ts";
import { askRule } from "./approval-policy.ts";
import { accessTo, pathRules } from "./path-access.ts";
import type { Ground, PathRules } from "./path-access.ts";

/** `reason` is for the person who is asked, `message` for the model. */
export type PatchDecision =
  | { readonly kind: "run" }
  | { readonly kind: "ask"; readonly reason: string | null }
  | { readonly kind: "refuse"; readonly message: string };

export interface PatchQuestion {
  readonly approvalPolicy: ApprovalPolicy;
  readonly profile: PermissionProfile;
  /** A person wants to be asked about everything. */
  readonly isReviewed?: boolean;
  readonly ground: Ground;
  /** Every path that the patch writes, moves or deletes: absolute and real. */
  readonly paths: readonly string[];
}

/** Whether a patch is applied, needs a person, or is refused. */
export function decidePatch({
  approvalPolicy,
  profile,
  isReviewed,
  ground,
  paths,
}: PatchQuestion): PatchDecision {
  const rule = askRule(approvalPolicy);
  if (rule === "always" || isReviewed) return { kind: "ask", reason: null };
  const rules = pathRules(profile, ground);
  const outside = paths.find((path) => accessTo(path, rules) !== "write");
  if (outside === undefined) return { kind: "run" };
  if (rule === "whenNeeded") return { kind: "ask", reason: null };
  return { kind: "refuse", message: refusal(rules, outside) };
}

function refusal({ rules }: PathRules, outside: string): string {
  const cause = rules.some(({ access }) => access === "write")
    ? `${outside} is outside of the folders that may be written`
    : "the sandbox is read-only";
  return (
    `patch rejected: ${cause}, and the approval policy is \`never\`. ` +
    "Ask the user to choose approval policy `on-request` or another sandbox mode."
  );
}
