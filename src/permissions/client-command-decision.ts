import type { PermissionProfile } from "../protocol/permission-profile.ts";
import type { ReadOnlyGit } from "./read-only-git.ts";
import { isUnconfined } from "./profile-algebra.ts";
import type { SandboxState } from "./sandbox-state.ts";

/** How a command that a client asked for runs. `message` says why it does not, and what to do. */
export type ClientCommandDecision =
  | { readonly kind: "unconfined" }
  | { readonly kind: "confined" }
  | { readonly kind: "readOnlyGit"; readonly git: ReadOnlyGit }
  | { readonly kind: "refuse"; readonly message: string };

export interface ClientCommandQuestion {
  /** What it may reach: what the call asks for, else what is configured. */
  readonly profile: PermissionProfile;
  readonly isRequested: boolean;
  readonly configured: PermissionProfile;
  readonly isAdmin: boolean;
  /** The command, if it is a git command that only reads. */
  readonly git: ReadOnlyGit | undefined;
  readonly sandbox: SandboxState;
}

/**
 * Where nothing can be confined, a command runs with the host's own rights or not at all. A profile that the call
 * names is a promise to the caller: it is kept or refused, for an admin too.
 */
export function decideClientCommand(question: ClientCommandQuestion): ClientCommandDecision {
  const { profile, isRequested, configured, isAdmin, git, sandbox } = question;
  const isOpen = isUnconfined(profile);
  if (isOpen && (isAdmin || isUnconfined(configured))) return { kind: "unconfined" };
  if (!isOpen && sandbox.works) return { kind: "confined" };
  if (git) return { kind: "readOnlyGit", git };
  if (sandbox.works || isOpen) {
    return refuse(`running a command without a sandbox needs the role admin. ${howToAllow}`);
  }
  const cannot =
    "the sandbox that this call asks for, or that is configured, cannot be enforced on this machine, " +
    `so the command was not run: ${sandbox.reason}. To have one, ${sandbox.fix}.`;
  if (isRequested)
    return refuse(`${cannot} Send \`dangerFullAccess\` to run it without a sandbox.`);
  return isAdmin ? { kind: "unconfined" } : refuse(`${cannot} ${howToAllow}`);
}

const howToAllow =
  'Connect as an admin, or have an admin set `sandbox_mode = "danger-full-access"` in config.toml.';

const refuse = (message: string): ClientCommandDecision => ({ kind: "refuse", message });
