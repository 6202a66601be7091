import type { Principal } from "../protocol/principal.ts";
import type { AccessRecord, DeviceRecord, DeviceRegistry } from "./device-registry.ts";
import { refusal } from "./refusals.ts";

type AccessFault = "device_unknown" | "device_revoked" | "device_expired";

/** Why the record gives no access now; undefined when it does. */
export function accessFault(
  record: AccessRecord | undefined,
  nowMs: number,
): AccessFault | undefined {
  if (record === undefined) return "device_unknown";
  if (record.revokedAtMs !== null) return "device_revoked";
  const { expiresAtMs } = record;
  return expiresAtMs !== null && expiresAtMs <= nowMs ? "device_expired" : undefined;
}

/** What of the access ends by itself first; undefined where nothing does. */
export function nextEnd({ expiresAtMs, roleUntilMs }: AccessRecord): Principal["ends"] {
  const roleFirst = roleUntilMs !== null && (expiresAtMs === null || roleUntilMs < expiresAtMs);
  if (roleFirst) return { what: "role", atMs: roleUntilMs };
  return expiresAtMs === null ? undefined : { what: "access", atMs: expiresAtMs };
}

/** The device, if it may come in now. Throws `AuthError`. */
export function liveDevice(registry: DeviceRegistry, id: string, nowMs: number): DeviceRecord {
  const record = registry.find(id);
  if (record?.kind !== "device") throw refusal("device_unknown");
  const fault = accessFault(record, nowMs);
  if (fault !== undefined) throw refusal(fault, record);
  return record;
}
