import { z } from "zod";

/** Roles from weak to strong; each may do what those before it may. */
export const roles = ["viewer", "approver", "operator", "admin"] as const;

export const Role = z.enum(roles);
export type Role = z.infer<typeof Role>;

/** Whether `role` may do what needs `needed`. */
export const mayAct = (role: Role, needed: Role): boolean =>
  roles.indexOf(role) >= roles.indexOf(needed);

/** Who is behind a connection. Decided at the door; nothing a client says later changes it. */
export interface Principal {
  /** `local`: control.sock. `device`: a paired key. `headless`: a bearer token of our own. `foreign`: another issuer's token. */
  readonly kind: "local" | "device" | "headless" | "foreign";
  /** Stable id: the device id, the token id, `local`, or `iss|sub`. Revocation names it. */
  readonly id: string;
  /** For people: the device's or token's name. */
  readonly name: string;
  readonly role: Role;
  /** The peer's address as far as the proxies are trusted; `control.sock` for the local one. */
  readonly address: string;
  /** Names the one credential that it came in with, where that can end by itself: another issuer's token, an agent's task. */
  readonly grant?: string;
}
