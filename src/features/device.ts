/** Farhelm's own methods: who may come in. They stand behind the CLI and the dashboard. */
import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { Role } from "../protocol/principal.ts";

const maxTtlMs = 366 * 24 * 60 * 60 * 1000;

const Device = z.object({
  id: z.string(),
  kind: z.enum(["device", "headless"]),
  name: z.string(),
  role: Role,
  createdAtMs: z.number(),
  lastSeenAtMs: z.number().nullable(),
  expiresAtMs: z.number().nullable(),
  fingerprint: z.string().nullable(),
});

export const devicesList = method({
  name: "farhelm/devices/list",
  stability: "experimental",
  role: "admin",
  params: z.looseObject({}),
  result: z.object({ data: z.array(Device) }),
  handle: ({ devices }) => ({ data: devices.list().map((row) => ({ ...row })) }),
});

export const devicesRevoke = method({
  name: "farhelm/devices/revoke",
  stability: "experimental",
  role: "admin",
  params: z.looseObject({ id: z.string() }),
  result: z.object({
    /** False: there was none of that id, or it was revoked before. */
    revoked: z.boolean(),
  }),
  ownAudit: true,
  handle: ({ devices, principal }, { id }) => ({ revoked: devices.revoke(id, principal) }),
});

export const tokenIssue = method({
  name: "farhelm/token/issue",
  stability: "experimental",
  role: "admin",
  params: z.looseObject({
    name: z.string().trim().min(1).max(80),
    role: Role,
    ttlMs: z.int().min(1_000).max(maxTtlMs),
  }),
  result: z.object({ token: z.string(), id: z.string(), expiresAtMs: z.number() }),
  ownAudit: true,
  handle: ({ devices, principal }, { name, role, ttlMs }) =>
    devices.issueHeadless(name, role, ttlMs, principal),
});

export const pairOffer = method({
  name: "farhelm/pair/offer",
  stability: "experimental",
  role: "admin",
  params: z.looseObject({ role: Role.default("admin") }),
  result: z.object({
    /** The link to open on the new device; its secret stands in the fragment. */
    url: z.string(),
    expiresAtMs: z.number(),
  }),
  ownAudit: true,
  handle({ devices, host, principal }, { role }) {
    if (principal.kind === "foreign") {
      throw invalidRequest("only an admin of this host can add devices");
    }
    const { secret, expiresAtMs } = devices.offerPairing(role, principal);
    return { url: `${host.pageOrigin}/pair#${secret}`, expiresAtMs };
  },
});
