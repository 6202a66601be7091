/** How the audit log and `serverRequest/resolved` call what somebody answered. */
import { isAnything } from "./permission-profile.ts";
import { PermissionsAnswer } from "./server-requests.ts";

/** The decision's name without what it may carry; null for answers that are no decision. */
export function decisionNameOf(answer: unknown): string | null {
  const grant = PermissionsAnswer.safeParse(answer);
  if (grant.success) return grantNameOf(grant.data);
  const decision = memberOf(answer, "decision");
  if (typeof decision === "string") return decision;
  return Object.keys(Object(decision))[0] ?? null;
}

function grantNameOf({ permissions, scope }: PermissionsAnswer): string {
  if (!isAnything(permissions)) return "decline";
  return scope === "session" ? "grantForSession" : "grantForTurn";
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
