/** Farhelm's own methods: who may come in. They stand behind the CLI and the dashboard. */
import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { Role, Scope } from "../protocol/principal.ts";
import { Account, foreignTarget, RevokedForeigner } from "./foreign-access.ts";
import { parseThreadId } from "./thread-id.ts";

const maxTtlMs = 366 * 24 * 60 * 60 * 1000;

const Device = z.object({
  id: z.string(),
  kind: z.enum(["device", "headless"]),
  name: z.string(),
  role: Role,
  createdAtMs: z.number(),
  lastSeenAtMs: z.number().nullable(),
  expiresAtMs: z.number().nullable(),
  roleUntilMs: z.number().nullable(),
  scope: Scope.nullable(),
  fingerprint: z.string().nullable(),
});

export const devicesList = method({
  name: "farhelm/devices/list",
  stability: "experimental",
  role: "admin",
  retry: "again",
  params: z.looseObject({}),
  result: z.object({
    data: z.array(Device),
    /** Those of other issuers who are kept out. */
    revoked: z.array(RevokedForeigner),
  }),
  evenUnaudited: true,
  handle: ({ devices }) => ({
    data: devices.list().map((row) => ({ ...row })),
    revoked: devices.foreign.list().map((row) => ({ ...row })),
  }),
});

const time = z.int().min(0);

export const devicesChange = method({
  name: "farhelm/devices/change",
  stability: "experimental",
  role: "admin",
  params: z.looseObject({
    id: z.string(),
    name: z.string().min(1).max(80).optional(),
    role: Role.optional(),
    /** When the role that held before comes back by itself. */
    roleUntilMs: time.nullable().optional(),
    /** Null: never. */
    expiresAtMs: time.nullable().optional(),
    /** Null: the whole host. */
    scope: Scope.nullable().optional(),
  }),
  result: z.object({ device: Device }),
  ownAudit: true,
  handle({ devices, principal }, { id, name, role, roleUntilMs, expiresAtMs, scope }) {
    const change = {
      ...(name !== undefined && { name }),
      ...(role !== undefined && { role }),
      ...(roleUntilMs !== undefined && { roleUntilMs }),
      ...(expiresAtMs !== undefined && { expiresAtMs }),
      ...(scope !== undefined && { scope: scope && withThreadIds(scope) }),
    };
    const device = devices.change(id, change, principal);
    if (device === undefined) throw invalidRequest(`there is no live device or token ${id}`);
    return { device: { ...device } };
  },
});

const withThreadIds = ({ threads, projects }: Scope): Scope => ({
  ...(threads && { threads: threads.map((id) => parseThreadId(id)) }),
  ...(projects && { projects }),
});

export const devicesRevoke = method({
  name: "farhelm/devices/revoke",
  stability: "experimental",
  role: "admin",
  params: z
    .looseObject({
      /** Of a device or token, or of somebody of another issuer: `iss|sub`. */
      id: z.string().optional(),
      /** Everybody of other issuers whose credential names this account. */
      account: Account.optional(),
      all: z.literal(true).optional(),
    })
    .refine(
      ({ id, account, all }) =>
        [id, account, all].filter((name) => name !== undefined).length === 1,
      "one of `id`, `account` and `all`",
    ),
  result: z.object({
    /** False: there was none to revoke. */
    revoked: z.boolean(),
    /** What the access was before; null with `all`. Of another issuer's: `unknown` if nobody of it was in. */
    was: z.enum(["live", "expired", "revoked", "unknown"]).nullable(),
    /** Those that this call revoked; of other issuers those that were in. */
    ids: z.array(z.string()),
  }),
  ownAudit: true,
  evenUnaudited: true,
  handle({ devices, principal }, { id, account }) {
    const target = foreignTarget({ id, account });
    if (target !== undefined) {
      const { ids, ...revocation } = devices.foreign.revoke(target, principal);
      return { ...revocation, ids: [...ids] };
    }
    if (id === undefined) {
      const ids = [...devices.revokeAll(principal)];
      return { revoked: ids.length > 0, was: null, ids };
    }
    const was = devices.standing(id);
    const revoked = devices.revoke(id, principal);
    return { revoked, was, ids: revoked ? [id] : [] };
  },
});

const Restored = z.object({
  /** What the host counts now, and what it counted once. */
  generation: z.number(),
  knownGeneration: z.number(),
  deviceId: z.string(),
  foundAtMs: z.number(),
});

export const restoreRead = method({
  name: "farhelm/restore/read",
  stability: "experimental",
  role: "admin",
  retry: "again",
  params: z.looseObject({}),
  result: z.object({
    /** Null unless the host is locked. */
    restored: Restored.nullable(),
  }),
  handle: ({ devices }) => ({ restored: devices.restored() ?? null }),
});

export const restoreConfirm = method({
  name: "farhelm/restore/confirm",
  stability: "experimental",
  role: "admin",
  localOnly: true,
  params: z.looseObject({}),
  result: z.object({
    /** False: the host was not locked. */
    confirmed: z.boolean(),
  }),
  ownAudit: true,
  handle: ({ devices, principal }) => ({ confirmed: devices.confirmRestore(principal) }),
});

export const tokenIssue = method({
  name: "farhelm/token/issue",
  stability: "experimental",
  role: "admin",
  retry: "word",
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
