import type { PermissionProfile } from "../protocol/permission-profile.ts";
import type { ApprovalPolicy } from "../protocol/settings.ts";
import { askRule } from "./approval-policy.ts";
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
  readonly sandbox: SandboxState;
}

/** The protocol's own text, which clients and models know. */
const escalationRefused =
  "approval policy is Never; reject command — you cannot ask for escalated permissions if the approval policy is Never";

/** Whether a command runs, needs a person, or is refused. */
export function decideCommand(question: CommandQuestion): CommandDecision {
  const { profile, sandbox, escalated } = question;
  const rule = askRule(question.approvalPolicy);
  const confined = profile.type === "managed" && !escalated && sandbox.works;
  if (rule === "always") return { kind: "ask", confined, reason: null };
  if (profile.type === "disabled") return { kind: "run", confined };
  if (escalated) {
    return rule === "never"
      ? { kind: "refuse", message: escalationRefused }
      : { kind: "ask", confined, reason: null };
  }
  if (sandbox.works || profile.type === "external") return { kind: "run", confined };
  return rule === "never"
    ? { kind: "refuse", message: refusedWithout(sandbox) }
    : { kind: "ask", confined, reason: askedWithout(sandbox) };
}

type NoSandbox = SandboxState & { readonly works: false };

const refusedWithout = ({ reason, fix }: NoSandbox): string =>
  `This command was not run: the approval policy is \`never\`, and this host has no sandbox to confine it: ${reason}. ` +
  `Ask the user to mend that (${fix}), or to choose approval policy \`on-request\`, or sandbox mode \`danger-full-access\` if commands may run unconfined.`;

const askedWithout = ({ reason, fix }: NoSandbox): string =>
  `This host has no sandbox, so the command runs with your own rights: ${reason}. To have one, ${fix}.`;
