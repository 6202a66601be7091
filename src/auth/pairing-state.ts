/**
 * One pairing, from the moment it is offered.
 *
 *              wrongCode (fewer than the limit)
 *                ┌──┐
 *                │  ▼
 *   offer ─▶ offered ──wrongCode (the limit)──▶ locked: the code is dead, the link goes on
 *                │                                 │
 *                └────────────┬────────────────────┘
 *                          redeemed
 *                             ▼
 *                         redeemed ──proofAccepted──▶ proved ──confirmed──▶ confirmed
 *                             │                         │                      │ collected
 *                             │ proofRefused            │ declined             ▼
 *                             └────────▶ refused ◀──────┘                   enrolled
 *
 * Each state but `enrolled`, `expired` and `refused` has a deadline: `deadlinePassed` leads to `expired`. An admin can
 * end each of them with `declined` (a device was there) or `cancelled` (none was yet): `refused`.
 * A link or a code is redeemed once, so what an admin confirms is the one device that redeemed it.
 */
import type { Role } from "../protocol/principal.ts";
import { unreachable } from "../util/unreachable.ts";
import type { DeviceKey } from "./device-registry.ts";

export interface PairingOffer {
  readonly id: string;
  readonly secretDigest: string;
  /** Undefined: there is no code, only the link. */
  readonly codeDigest: string | undefined;
  readonly role: Role;
  /** How long the access of the new device lasts; null: until it is revoked. */
  readonly deviceTtlMs: number | null;
  /** Made while there was no device: the link itself confirms the first one. */
  readonly first: boolean;
}

/** What is known of the device that redeemed the offer, before it proved anything. */
export interface PairingRequest {
  readonly challengeId: string;
  readonly deviceName: string;
  readonly address: string;
  readonly way: "link" | "code";
  readonly commitment: string;
}

export interface ProvedDevice {
  readonly id: string;
  readonly key: DeviceKey;
  readonly words: readonly string[];
}

export type RefusedBecause = "proof" | "declined" | "cancelled";

/** `untilMs`: the state's deadline, Unix milliseconds; of an end, when it came. */
interface Base {
  readonly offer: PairingOffer;
  readonly untilMs: number;
}
interface Redeemed extends Base {
  readonly request: PairingRequest;
}
interface Proved extends Redeemed {
  readonly device: ProvedDevice;
}

export type PairingState =
  | (Base & { readonly phase: "offered"; readonly wrongCodes: number })
  | (Base & { readonly phase: "locked" })
  | (Redeemed & { readonly phase: "redeemed" })
  | (Proved & { readonly phase: "proved" })
  | (Proved & { readonly phase: "confirmed" })
  | (Proved & { readonly phase: "enrolled" })
  | (Base & { readonly phase: "expired"; readonly request: PairingRequest | undefined })
  | (Base & {
      readonly phase: "refused";
      readonly request: PairingRequest | undefined;
      readonly because: RefusedBecause;
    });

export type PairingAct =
  | { readonly kind: "wrongCode" }
  | { readonly kind: "redeemed"; readonly request: PairingRequest }
  | { readonly kind: "proofAccepted"; readonly device: ProvedDevice }
  | { readonly kind: "proofRefused" }
  | { readonly kind: "confirmed" }
  | { readonly kind: "collected" }
  | { readonly kind: "declined" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "deadlinePassed" };

/** `atMs`: now. */
export type PairingEvent = { readonly atMs: number } & PairingAct;

/** 40 bits against so many guesses: one in 10^11. More than typing errors explain are an attack. */
export const maxWrongCodes = 10;

/** How long each state lasts. */
export const pairingLifeMs = {
  /** To walk to the other device and open the link there. */
  offered: 600_000,
  /** The proof takes a device no time; it is as long as a challenge lives. */
  redeemed: 120_000,
  /** For a person to compare the words. */
  proved: 300_000,
  /** For the device to fetch its token; it waits for it. */
  confirmed: 120_000,
} as const;

export const offered = (offer: PairingOffer, atMs: number): PairingState => ({
  phase: "offered",
  offer,
  wrongCodes: 0,
  untilMs: atMs + pairingLifeMs.offered,
});

/** Undefined where the event has no place in the state; the state stays then. */
export function next(state: PairingState, event: PairingEvent): PairingState | undefined {
  switch (state.phase) {
    case "offered":
      return event.kind === "wrongCode" ? wrongCode(state) : fromOpen(state, event);
    case "locked":
      return fromOpen(state, event);
    case "redeemed":
      return fromRedeemed(state, event);
    case "proved":
      return fromProved(state, event);
    case "confirmed":
      return fromConfirmed(state, event);
    case "enrolled":
    case "expired":
    case "refused":
      return undefined;
    default:
      return unreachable(state);
  }
}

type StateOf<Phase extends PairingState["phase"]> = Extract<PairingState, { phase: Phase }>;

function wrongCode({ offer, untilMs, wrongCodes }: StateOf<"offered">): PairingState | undefined {
  if (offer.codeDigest === undefined) return undefined;
  return wrongCodes + 1 >= maxWrongCodes
    ? { phase: "locked", offer, untilMs }
    : { phase: "offered", offer, untilMs, wrongCodes: wrongCodes + 1 };
}

function fromOpen(
  { phase, offer }: StateOf<"offered" | "locked">,
  event: PairingEvent,
): PairingState | undefined {
  const { kind, atMs } = event;
  if (kind === "cancelled") return refused(offer, undefined, "cancelled", atMs);
  if (kind === "deadlinePassed") return expired(offer, undefined, atMs);
  if (kind !== "redeemed") return undefined;
  const { request } = event;
  const codeWorks = phase === "offered" && offer.codeDigest !== undefined;
  if (request.way === "code" && !codeWorks) return undefined;
  return { phase: "redeemed", offer, request, untilMs: atMs + pairingLifeMs.redeemed };
}

function fromRedeemed(
  { offer, request }: StateOf<"redeemed">,
  event: PairingEvent,
): PairingState | undefined {
  const { kind, atMs } = event;
  if (kind === "proofRefused") return refused(offer, request, "proof", atMs);
  if (kind === "declined") return refused(offer, request, "declined", atMs);
  if (kind === "deadlinePassed") return expired(offer, request, atMs);
  if (kind !== "proofAccepted") return undefined;
  const { device } = event;
  return { phase: "proved", offer, request, device, untilMs: atMs + pairingLifeMs.proved };
}

function fromProved(
  state: StateOf<"proved">,
  { kind, atMs }: PairingEvent,
): PairingState | undefined {
  const { offer, request } = state;
  if (kind === "declined") return refused(offer, request, "declined", atMs);
  if (kind === "deadlinePassed") return expired(offer, request, atMs);
  if (kind !== "confirmed") return undefined;
  return { ...state, phase: "confirmed", untilMs: atMs + pairingLifeMs.confirmed };
}

function fromConfirmed(
  state: StateOf<"confirmed">,
  { kind, atMs }: PairingEvent,
): PairingState | undefined {
  const { offer, request } = state;
  if (kind === "declined") return refused(offer, request, "declined", atMs);
  if (kind === "deadlinePassed") return expired(offer, request, atMs);
  return kind === "collected" ? { ...state, phase: "enrolled", untilMs: atMs } : undefined;
}

const refused = (
  offer: PairingOffer,
  request: PairingRequest | undefined,
  because: RefusedBecause,
  untilMs: number,
): PairingState => ({ phase: "refused", offer, request, because, untilMs });

const expired = (
  offer: PairingOffer,
  request: PairingRequest | undefined,
  untilMs: number,
): PairingState => ({ phase: "expired", offer, request, untilMs });
