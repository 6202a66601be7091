import type { Role } from "../../protocol/principal.ts";

const strength: Record<Role, number> = { viewer: 0, approver: 1, operator: 2, admin: 3 };

/** Whether a device of this role may answer approvals. The host decides; this only keeps useless buttons away. */
export const mayApprove = (role: Role | null): boolean =>
  role !== null && strength[role] >= strength.approver;

/** Whether it may start, steer and stop turns. */
export const mayOperate = (role: Role | null): boolean =>
  role !== null && strength[role] >= strength.operator;

/** Whether it may let devices in and take their access away. */
export const mayAdminister = (role: Role | null): boolean => role === "admin";
