import type { PermissionProfile } from "../protocol/permission-profile.ts";
import type { ReadOnlyGit } from "./read-only-git.ts";
import { isUnconfined } from "./profile-algebra.ts";

/** How a command that a client asked for runs. `message` says why it does not, and what to do. */
export type ClientCommandDecision =
  | { readonly kind: "unconfined" }
  | { readonly kind: "readOnlyGit"; readonly git: ReadOnlyGit }
  | { readonly kind: "refuse"; readonly message: string };

export interface ClientCommandQuestion {
  /** What the call asks for; undefined: what is configured. */
  readonly requested: PermissionProfile | undefined;
  readonly configured: PermissionProfile;
  readonly isAdmin: boolean;
  /** The command, if it is a git command that only reads. */
  readonly git: ReadOnlyGit | undefined;
}

/**
 * This host cannot confine a process, so a command runs with the host's own rights or not at all. A profile that the
 * call names is a promise to the caller: it is kept or refused, for an admin too.
 */
export function decideClientCommand(question: ClientCommandQuestion): ClientCommandDecision {
  const { requested, configured, isAdmin, git } = question;
  const profile = requested ?? configured;
  if (isUnconfined(profile) && (isAdmin || isUnconfined(configured))) return { kind: "unconfined" };
  if (git) return { kind: "readOnlyGit", git };
  if (isUnconfined(profile)) {
    return refuse(`running a command without a sandbox needs the role admin. ${howToAllow}`);
  }
  const cannot = `the sandbox that this call asks for, or that is configured, cannot be enforced on this machine, so the command was not run.`;
  if (requested) return refuse(`${cannot} Send \`dangerFullAccess\` to run it without a sandbox.`);
  return isAdmin ? { kind: "unconfined" } : refuse(`${cannot} ${howToAllow}`);
}

const howToAllow =
  'Connect as an admin, or have an admin set `sandbox_mode = "danger-full-access"` in config.toml.';

const refuse = (message: string): ClientCommandDecision => ({ kind: "refuse", message });
