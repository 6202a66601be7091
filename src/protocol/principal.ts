import { z } from "zod";

/** Roles from weak to strong; each may do what those before it may. */
export const roles = ["viewer", "approver", "operator", "admin"] as const;

export const Role = z.enum(roles);
export type Role = z.infer<typeof Role>;

/** Whether `role` may do what needs `needed`. */
export const mayAct = (role: Role, needed: Role): boolean =>
  roles.indexOf(role) >= roles.indexOf(needed);

/**
 * The part of a host that an access is for. A thread is in it when it is named, or when it works in one of the folders
 * (absolute, real paths) or below.
 */
export const Scope = z.object({
  threads: z.array(z.string()).max(200).optional(),
  projects: z.array(z.string()).max(50).optional(),
});
export type Scope = z.infer<typeof Scope>;

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
  /** Absent: the whole host. */
  readonly scope?: Scope;
  /** What ends by itself first, and when (Unix time in milliseconds); absent where nothing does. */
  readonly ends?: { readonly what: "access" | "role"; readonly atMs: number };
}
