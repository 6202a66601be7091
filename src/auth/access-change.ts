/** What an admin asks of an access, made into what is stored, or refused. */
import { realpathSync, statSync } from "node:fs";
import { isAbsolute } from "node:path";
import type { AuditEntry } from "../audit/port.ts";
import type { Scope } from "../protocol/principal.ts";
import type { AccessChange, AccessRecord } from "./device-registry.ts";
import { visibleName } from "./display-name.ts";
import type { DeviceChange } from "./port.ts";
import { refusal } from "./refusals.ts";

/** Throws `AuthError`. */
export function checkedChange(
  record: AccessRecord,
  change: DeviceChange,
  nowMs: number,
): AccessChange {
  const { name, role, roleUntilMs = null, expiresAtMs, scope } = change;
  checkTimes(record, change, nowMs);
  const scoped = scope === undefined ? record.scope : scope;
  const strongest = [role ?? record.role, record.roleAfter];
  if (scoped !== null && strongest.includes("admin")) throw refusal("bad_scope");
  return {
    ...(name !== undefined && { name: visibleName(name) }),
    ...(role !== undefined && { role: { role, untilMs: roleUntilMs } }),
    ...(expiresAtMs !== undefined && { expiresAtMs }),
    ...(scope !== undefined && { scope: scope && realScope(scope) }),
  };
}

/** For the audit log: that a scope was set, not what its folders are called. */
export function shownChange(change: DeviceChange): NonNullable<AuditEntry["about"]> {
  const { name, role, roleUntilMs, expiresAtMs, scope } = change;
  return {
    ...(name !== undefined && { name: visibleName(name) }),
    ...(role !== undefined && { role }),
    ...(typeof roleUntilMs === "number" && { roleUntilMs }),
    ...(expiresAtMs !== undefined && { expiresAtMs: expiresAtMs ?? "never" }),
    ...(scope !== undefined && { scoped: scope !== null }),
  };
}

function checkTimes(record: AccessRecord, change: DeviceChange, nowMs: number): void {
  const { role, roleUntilMs, expiresAtMs } = change;
  const bad =
    (role === undefined && roleUntilMs !== undefined) ||
    isPast(roleUntilMs, nowMs) ||
    isPast(expiresAtMs, nowMs) ||
    (expiresAtMs !== undefined && outlives(record, expiresAtMs));
  if (bad) throw refusal("bad_lifetime");
}

const isPast = (atMs: number | null | undefined, nowMs: number): boolean =>
  typeof atMs === "number" && atMs <= nowMs;

/** A bearer token carries its own end: it can be brought forward only. */
function outlives({ kind, expiresAtMs: until }: AccessRecord, askedMs: number | null): boolean {
  return kind === "headless" && until !== null && (askedMs === null || askedMs > until);
}

const realScope = ({ threads, projects }: Scope): Scope => ({
  ...(threads && { threads }),
  ...(projects && { projects: projects.map(realFolder) }),
});

function realFolder(path: string): string {
  try {
    const real = realpathSync(path);
    if (isAbsolute(path) && statSync(real).isDirectory()) return real;
  } catch {
    // Refused below.
  }
  throw refusal("bad_scope");
}
