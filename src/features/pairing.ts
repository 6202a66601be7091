/** Farhelm's own methods: how admins let new devices in. They stand behind the CLI and the dashboard. */
import { z } from "zod";
import { AuthError } from "../auth/port.ts";
import type { Context } from "../dispatch/context.ts";
import { method } from "../dispatch/define.ts";
import { deniedRequest, RpcError } from "../protocol/errors.ts";
import { Pairing } from "../protocol/pairing.ts";
import { Role } from "../protocol/principal.ts";

const maxTtlMs = 366 * 24 * 60 * 60 * 1000;

const OnePairing = z.looseObject({ id: z.string().max(128) });
/** False: it was not in a phase for this; `farhelm/pair/list` tells which it is in. */
const Done = z.object({ done: z.boolean() });

export const pairOffer = method({
  name: "farhelm/pair/offer",
  stability: "experimental",
  role: "admin",
  retry: "word",
  params: z.looseObject({
    role: Role.default("admin"),
    /** The new device's access ends after so long: a guest. */
    deviceTtlMs: z.int().min(60_000).max(maxTtlMs).nullish(),
  }),
  result: z.object({
    id: z.string(),
    /** The link to open on the new device; what matters of it stands in the fragment. */
    url: z.string(),
    /** For people to type at `ORIGIN/pair`. */
    code: z.string(),
    expiresAtMs: z.number(),
    /** There is no device yet: who opens the link first is admin, without being confirmed. */
    first: z.boolean(),
  }),
  ownAudit: true,
  handle({ pairing, host, principal }, { role, deviceTtlMs }) {
    if (principal.kind === "foreign") {
      throw deniedRequest("foreign", "only an admin of this host can add devices");
    }
    const ttl = deviceTtlMs === null || deviceTtlMs === undefined ? {} : { deviceTtlMs };
    const { secret, code, ...offer } = refusing(() => pairing.offer(role, principal, ttl));
    return { ...offer, code: code ?? "", url: host.pairingUrl(secret) };
  },
});

export const pairList = method({
  name: "farhelm/pair/list",
  stability: "experimental",
  role: "admin",
  retry: "again",
  params: z.looseObject({}),
  result: z.object({ data: z.array(Pairing) }),
  handle: ({ pairing }) => ({ data: [...pairing.list()] }),
});

export const pairConfirm = method({
  name: "farhelm/pair/confirm",
  stability: "experimental",
  role: "admin",
  params: OnePairing,
  result: Done,
  ownAudit: true,
  handle({ pairing, principal }, { id }) {
    checkTrusted(principal);
    return { done: pairing.confirm(id, principal) };
  },
});

export const pairRefuse = method({
  name: "farhelm/pair/refuse",
  stability: "experimental",
  role: "admin",
  params: OnePairing,
  result: Done,
  ownAudit: true,
  handle: ({ pairing, principal }, { id }) => ({ done: pairing.refuse(id, principal) }),
});

export const pairCancel = method({
  name: "farhelm/pair/cancel",
  stability: "experimental",
  role: "admin",
  params: OnePairing,
  result: Done,
  ownAudit: true,
  handle: ({ pairing, principal }, { id }) => ({ done: pairing.cancel(id, principal) }),
});

/** Someone looks at the words there: a token in a script does not. */
function checkTrusted({ kind }: Context["principal"]): void {
  if (kind === "device" || kind === "local") return;
  throw deniedRequest(
    "not_a_device",
    "a new device is confirmed on a device that is paired, or on the host with `npx farhelm pair`",
  );
}

/** A refusal as clients of the RPC read it: the sentence, with the code and the next step as data. */
function refusing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    const { code, nextStep } = error;
    throw new RpcError("invalidRequest", `${error.message} ${nextStep}`, {
      data: { code, nextStep },
    });
  }
}
