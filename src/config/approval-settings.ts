/** `[approvals]` of farhelm.toml: which approvals count only with a device's signature. */
import { z } from "zod";
import type { Role } from "../protocol/principal.ts";

/**
 * `command`: any command. `fileChange`: patches. `permissions`: whatever widens the sandbox, for a turn, a thread or a
 * command. `escalated`: that too, and commands outside of a sandbox.
 */
const classes = ["command", "escalated", "fileChange", "permissions"] as const;
export type ApprovalClass = (typeof classes)[number];

export const Approvals = z
  .strictObject({
    signed: z
      .union([z.enum(["never", "always"]), z.array(z.enum(classes))], {
        error: `it must be "never", "always" or a list of ${classes.map((name) => `"${name}"`).join(", ")}`,
      })
      .default("never"),
    signed_roles: z.array(z.enum(["approver", "operator", "admin"])).default([]),
  })
  .transform(({ signed, signed_roles: signedRoles }): ApprovalSettings => ({
    signed: classesOf(signed),
    signedRoles,
  }));

export interface ApprovalSettings {
  /** What everybody has to sign. */
  readonly signed: readonly ApprovalClass[];
  /** Whose approvals must be signed, whatever they are about. */
  readonly signedRoles: readonly Role[];
}

function classesOf(signed: "never" | "always" | ApprovalClass[]): readonly ApprovalClass[] {
  if (signed === "never") return [];
  return signed === "always" ? classes : signed;
}
