import type { PermissionProfile } from "../protocol/permission-profile.ts";
import type { ApprovalPolicy } from "../protocol/settings.ts";
import { askRule } from "./approval-policy.ts";
import type { CommandRisk } from "./command-risk.ts";
import type { SandboxState } from "./sandbox-state.ts";

/** `reason` is for the person who is asked, `message` for the model; `confined`: it runs in the sandbox, if it runs. */
export type CommandDecision =
  | { readonly kind: "run"; readonly confined: boolean }
  | { readonly kind: "ask"; readonly confined: boolean; readonly reason: string | null }
  | { readonly kind: "refuse"; readonly message: string };

export interface CommandQuestion {
  readonly approvalPolicy: ApprovalPolicy;
  readonly profile: PermissionProfile;
  /** The model asks to run outside the sandbox. */
  readonly escalated: boolean;
  /** The model asks for more than the profile gives, and to stay inside. */
  readonly wishes?: boolean;
  /** A person wants to be asked about everything. */
  readonly isReviewed?: boolean;
  readonly sandbox: SandboxState;
  /** What is known of it. */
  readonly risk: CommandRisk;
}

/** The protocol's own text, which clients and models know. */
const escalationRefused =
  "approval policy is Never; reject command — you cannot ask for escalated permissions if the approval policy is Never";

const forcedRefused =
  "This command was rejected: rm -f style commands are not permitted under the approval policy `never`. " +
  "Use a safer approach: delete what you name, without the force option.";

/**
 * Whether a command runs, needs a person, or is refused. What only reads needs nobody where a person is asked about
 * all else, unless it would run outside of a sandbox that it should have; without a profile it is confined to reading,
 * where it can be. What deletes by force never runs unasked.
 */
export function decideCommand(question: CommandQuestion): CommandDecision {
  const { approvalPolicy, risk, profile, escalated, wishes, isReviewed } = question;
  const confined = profile.type === "managed" && !escalated && question.sandbox.works;
  if (isReviewed) return { kind: "ask", confined, reason: null };
  if (askRule(approvalPolicy) === "always") {
    const isKept = confined || profile.type !== "managed";
    if (risk !== "readOnly" || !isKept || escalated || wishes)
      return { kind: "ask", confined, reason: null };
    return { kind: "run", confined: profile.type !== "external" && question.sandbox.works };
  }
  const decision = decideByProfile(question, confined);
  if (risk !== "forced" || decision.kind !== "run") return decision;
  return approvalPolicy === "never"
    ? { kind: "refuse", message: forcedRefused }
    : { kind: "ask", confined, reason: null };
}

/** Under a policy by which a command is asked about where it has to be, or never. */
function decideByProfile(
  { approvalPolicy, profile, sandbox, escalated, wishes }: CommandQuestion,
  confined: boolean,
): CommandDecision {
  const isAsked = askRule(approvalPolicy) !== "never";
  if (profile.type === "disabled") return { kind: "run", confined };
  if (escalated || (wishes && sandbox.works)) {
    return isAsked
      ? { kind: "ask", confined, reason: null }
      : { kind: "refuse", message: escalationRefused };
  }
  if (sandbox.works || profile.type === "external") return { kind: "run", confined };
  return isAsked
    ? { kind: "ask", confined, reason: askedWithout(sandbox) }
    : { kind: "refuse", message: refusedWithout(sandbox) };
}

type NoSandbox = SandboxState & { readonly works: false };

const refusedWithout = ({ reason, fix }: NoSandbox): string =>
  `This command was not run: the approval policy is \`never\`, and this host has no sandbox to confine it: ${reason}. ` +
  `Ask the user to mend that (${fix}), or to choose approval policy \`on-request\`, or sandbox mode \`danger-full-access\` if commands may run unconfined.`;

const askedWithout = ({ reason, fix }: NoSandbox): string =>
  `This host has no sandbox, so the command runs with your own rights: ${reason}. To have one, ${fix}.`;
