/** How admins name somebody of another issuer, and how those who are kept out are shown. */
import { z } from "zod";
import type { ForeignTarget } from "../auth/port.ts";
import { method } from "../dispatch/define.ts";
import { deniedRequest } from "../protocol/errors.ts";

export const Account = z.string().min(1).max(255);

export const RevokedForeigner = z.object({
  /** `subject`: one principal, `iss|sub`; `account`: everybody whose credential names it. */
  kind: z.enum(["subject", "account"]),
  id: z.string(),
  revokedAtMs: z.number(),
});

/** Undefined: the id is of a device or token of this host; only ids of other issuers hold a `|`. */
export function foreignTarget(names: {
  readonly id?: string | undefined;
  readonly account?: string | undefined;
}): ForeignTarget | undefined {
  const { id, account } = names;
  if (account !== undefined) return { kind: "account", id: account };
  return id?.includes("|") ? { kind: "subject", id } : undefined;
}

export const devicesRestore = method({
  name: "farhelm/devices/restore",
  stability: "experimental",
  role: "admin",
  params: z
    .looseObject({ id: z.string().optional(), account: Account.optional() })
    .refine(
      ({ id, account }) => (id === undefined) !== (account === undefined),
      "either `id` or `account`",
    ),
  result: z.object({
    /** False: it was not revoked. */
    restored: z.boolean(),
  }),
  ownAudit: true,
  handle({ devices, principal }, params) {
    if (principal.kind === "foreign") {
      throw deniedRequest("foreign", "only an admin of this host can let somebody in again");
    }
    const target = foreignTarget(params) ?? { kind: "subject", id: params.id ?? "" };
    return { restored: devices.foreign.restore(target, principal) };
  },
});
