import type { PermissionProfile } from "../protocol/permission-profile.ts";
import type { ApprovalPolicy } from "../protocol/settings.ts";
import { askRule } from "./approval-policy.ts";

/** `reason` is for the person who is asked, `message` for the model. */
export type Decision =
  | { readonly kind: "run" }
  | { readonly kind: "ask"; readonly reason: string | null }
  | { readonly kind: "refuse"; readonly message: string };

export interface CommandQuestion {
  readonly approvalPolicy: ApprovalPolicy;
  readonly profile: PermissionProfile;
  /** The model asks to run outside the sandbox. */
  readonly escalated: boolean;
  /** Whether this host can confine a process. */
  readonly sandboxAvailable: boolean;
}

/** The protocol's own text, which clients and models know. */
const escalationRefused =
  "approval policy is Never; reject command — you cannot ask for escalated permissions if the approval policy is Never";

const noSandbox =
  "This command was not run: the approval policy is `never`, and this host has no sandbox to confine it. " +
  "Ask the user to choose approval policy `on-request`, or sandbox mode `danger-full-access` if commands may run unconfined.";

/** Whether a command runs, needs a person, or is refused. */
export function decideCommand(question: CommandQuestion): Decision {
  const rule = askRule(question.approvalPolicy);
  if (rule === "always") return { kind: "ask", reason: null };
  if (question.profile.type === "disabled") return { kind: "run" };
  if (question.escalated) {
    return rule === "never"
      ? { kind: "refuse", message: escalationRefused }
      : { kind: "ask", reason: null };
  }
  if (question.profile.type === "external") return { kind: "run" };
  if (question.sandboxAvailable) return { kind: "run" };
  return rule === "never"
    ? { kind: "refuse", message: noSandbox }
    : {
        kind: "ask",
        reason: "This host has no sandbox, so the command runs with your own rights.",
      };
}
