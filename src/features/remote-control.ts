/**
 * The stock names for what `farhelm/pair/…` and `farhelm/devices/…` do. This host is an environment of its own, named by
 * its installation id; no hub stands between.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { PairingDesk } from "../auth/port.ts";
import type { HostFacts } from "../dispatch/context.ts";
import { method } from "../dispatch/define.ts";
import { deniedRequest, invalidRequest } from "../protocol/errors.ts";
import { remoteControlStatusChanged } from "../protocol/connection-notifications.ts";
import { limitOf } from "./page-params.ts";

export const remoteControlStatusRead = method({
  name: "remoteControl/status/read",
  stability: "experimental",
  role: "viewer",
  reach: "open",
  params: z.looseObject({}).optional(),
  result: remoteControlStatusChanged.params,
  handle: ({ host: { serverName, installationId } }) => ({
    status: "disabled" as const,
    serverName,
    installationId,
    environmentId: null,
  }),
});

export const remoteControlPairingStart = method({
  name: "remoteControl/pairing/start",
  stability: "experimental",
  role: "admin",
  retry: "word",
  params: z.looseObject({ manualCode: z.boolean().nullish() }),
  result: z.object({
    /** The link to open on the new device. */
    pairingCode: z.string(),
    /** To be typed at `ORIGIN/pair`; null unless it was asked for. */
    manualPairingCode: z.string().nullable(),
    environmentId: z.string(),
    /** Unix time in seconds. */
    expiresAt: z.int(),
  }),
  ownAudit: true,
  handle({ pairing, host, principal }, { manualCode }) {
    if (principal.kind === "foreign") {
      throw deniedRequest("foreign", "only an admin of this host can add devices");
    }
    const withCode = manualCode ?? false;
    const { id, secret, code, expiresAtMs } = pairing.offer("admin", principal, { withCode });
    const pairingCode = host.pairingUrl(secret);
    remember(pairing, pairingCode, id);
    if (code !== null) remember(pairing, code, id);
    return {
      pairingCode,
      manualPairingCode: code,
      environmentId: host.installationId,
      expiresAt: Math.floor(expiresAtMs / 1000),
    };
  },
});

export const remoteControlPairingStatus = method({
  name: "remoteControl/pairing/status",
  stability: "experimental",
  role: "admin",
  retry: "again",
  params: z.looseObject({
    pairingCode: z.string().max(1024).nullish(),
    manualPairingCode: z.string().max(64).nullish(),
  }),
  result: z.object({
    /** A device came in by it. */
    claimed: z.boolean(),
  }),
  handle({ pairing }, { pairingCode, manualPairingCode }) {
    const [code, ...more] = [pairingCode, manualPairingCode].filter(
      (each) => typeof each === "string",
    );
    if (code === undefined || more.length > 0) {
      throw invalidRequest("exactly one of `pairingCode` and `manualPairingCode` is needed");
    }
    const id = codesOf(pairing).get(digest(code));
    const found = pairing.list().find((each) => each.id === id);
    if (found === undefined) throw invalidRequest("no pairing was started with this code");
    return { claimed: found.phase === "confirmed" || found.phase === "enrolled" };
  },
});

export const remoteControlClientList = method({
  name: "remoteControl/client/list",
  stability: "experimental",
  role: "admin",
  retry: "again",
  params: z.looseObject({
    environmentId: z.string(),
    cursor: z.string().nullish(),
    limit: z.int().min(0).nullish(),
    order: z.enum(["asc", "desc"]).nullish(),
  }),
  result: z.object({
    data: z.array(
      z.object({
        clientId: z.string(),
        displayName: z.string().nullable(),
        deviceType: z.null(),
        platform: z.null(),
        osVersion: z.null(),
        deviceModel: z.null(),
        appVersion: z.null(),
        /** Unix time in seconds. */
        lastSeenAt: z.int().nullable(),
      }),
    ),
    nextCursor: z.string().nullable(),
  }),
  handle({ devices, host }, { environmentId, cursor, limit, order }) {
    checkEnvironment(host, environmentId);
    const oldestFirst = devices.list().filter(({ kind }) => kind === "device");
    const rows = order === "desc" ? oldestFirst.toReversed() : oldestFirst;
    const start = cursor ? rows.findIndex(({ id }) => id === cursor) + 1 : 0;
    if (cursor && start === 0) throw invalidRequest("invalid cursor");
    const end = start + limitOf(limit, 100);
    const page = rows.slice(start, end);
    return {
      data: page.map(({ id, name, lastSeenAtMs }) => ({
        clientId: id,
        displayName: name,
        ...unknownOfClients,
        lastSeenAt: lastSeenAtMs === null ? null : Math.floor(lastSeenAtMs / 1000),
      })),
      nextCursor: end < rows.length ? (page.at(-1)?.id ?? null) : null,
    };
  },
});

export const remoteControlClientRevoke = method({
  name: "remoteControl/client/revoke",
  stability: "experimental",
  role: "admin",
  params: z.looseObject({ environmentId: z.string(), clientId: z.string() }),
  result: z.object({}),
  ownAudit: true,
  evenUnaudited: true,
  handle({ devices, host, principal }, { environmentId, clientId }) {
    checkEnvironment(host, environmentId);
    if (devices.standing(clientId) === "unknown") {
      throw invalidRequest(`there is no client ${clientId}`);
    }
    devices.revoke(clientId, principal);
    return {};
  },
});

/** Devices do not say this of themselves here. */
const unknownOfClients = {
  deviceType: null,
  platform: null,
  osVersion: null,
  deviceModel: null,
  appVersion: null,
};

function checkEnvironment({ installationId }: HostFacts, environmentId: string): void {
  if (environmentId === installationId) return;
  throw invalidRequest(`there is no environment ${environmentId}; this host is ${installationId}`);
}

/** The codes of the last pairings, as digests: the desk itself lists no secret. */
const codes = new WeakMap<PairingDesk, Map<string, string>>();
const maxCodes = 64;

function codesOf(desk: PairingDesk): Map<string, string> {
  const known = codes.get(desk) ?? new Map<string, string>();
  codes.set(desk, known);
  return known;
}

function remember(desk: PairingDesk, code: string, id: string): void {
  const known = codesOf(desk);
  known.set(digest(code), id);
  const [oldest] = known.keys();
  if (known.size > maxCodes && oldest !== undefined) known.delete(oldest);
}

const digest = (code: string): string => createHash("sha256").update(code).digest("base64url");
