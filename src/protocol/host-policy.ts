/** What the host's policy makes of the roles that methods name. */
import { mayAct, type Role } from "./principal.ts";

/** What operators get of what would be an admin's. */
export interface HostPolicy {
  /**
   * Commands of their own. `confined`: where the sandbox policy lets them. `all`: as an admin, out of the sandbox too.
   * `none`: admins alone.
   */
  readonly operatorCommands: "none" | "confined" | "all";
  /** Whether operators may touch folders and files. */
  readonly operatorFiles: boolean;
  /** Absolute folders: the only ones whose files are open to anybody who is not on this machine's control.sock. */
  readonly fileRoots?: readonly string[] | undefined;
}

interface Guarded {
  readonly role: Role;
  readonly grantedBy?: "commands" | "files";
}

/** The weakest role that may call it on a host with this policy. */
export function neededRole({ role, grantedBy }: Guarded, policy: HostPolicy): Role {
  if (grantedBy === "files") return policy.operatorFiles ? role : "admin";
  if (grantedBy !== "commands") return role;
  if (policy.operatorCommands === "none") return "admin";
  return policy.operatorCommands === "all" ? "operator" : role;
}

/** Whether somebody of this role may take the sandbox away. */
export const mayUnconfine = (role: Role, { operatorCommands }: HostPolicy): boolean =>
  mayAct(role, operatorCommands === "all" ? "operator" : "admin");
