/**
 * One pairing link, from the moment it is offered.
 *
 *                    wrongSecret (fewer than the limit)
 *                      ┌──┐
 *                      │  ▼
 *   offer ────────▶ offered ──secretAccepted──▶ redeemed ──proofAccepted──▶ enrolled
 *                    │    │                      │    │
 *        wrongSecret │    │ deadlinePassed       │    └──proofRefused─────▶ refused
 *       (the limit)  │    ├──────────────────────┘
 *                    ▼    ▼
 *                 locked  expired
 *
 * The four ends stay as they are; a new link is a new machine.
 */
import type { Role } from "../protocol/principal.ts";
import { unreachable } from "../util/unreachable.ts";

interface PairingOffer {
  readonly secretDigest: string;
  readonly role: Role;
  /** How long the access of the new device lasts; null: until it is revoked. */
  readonly deviceTtlMs: number | null;
  readonly expiresAtMs: number;
}

export type PairingState =
  | { readonly phase: "offered"; readonly offer: PairingOffer; readonly wrongSecrets: number }
  | {
      readonly phase: "redeemed";
      readonly offer: PairingOffer;
      readonly challengeId: string;
      readonly deviceName: string;
    }
  | { readonly phase: "enrolled"; readonly offer: PairingOffer; readonly deviceId: string }
  | { readonly phase: "expired"; readonly offer: PairingOffer }
  | { readonly phase: "refused"; readonly offer: PairingOffer }
  | { readonly phase: "locked"; readonly offer: PairingOffer };

export type PairingEvent =
  | { readonly kind: "wrongSecret" }
  | { readonly kind: "secretAccepted"; readonly challengeId: string; readonly deviceName: string }
  | { readonly kind: "proofAccepted"; readonly deviceId: string }
  | { readonly kind: "proofRefused" }
  | { readonly kind: "deadlinePassed" };

/** A secret has 256 bits: more wrong tries than typing errors explain are an attack. */
export const maxWrongSecrets = 10;

export const offered = (offer: PairingOffer): PairingState => ({
  phase: "offered",
  offer,
  wrongSecrets: 0,
});

/** Undefined where the event has no place in the state; the state stays then. */
export function next(state: PairingState, event: PairingEvent): PairingState | undefined {
  switch (state.phase) {
    case "offered":
      return fromOffered(state, event);
    case "redeemed":
      return fromRedeemed(state, event);
    case "enrolled":
    case "expired":
    case "refused":
    case "locked":
      return undefined;
    default:
      return unreachable(state);
  }
}

function fromOffered(
  state: PairingState & { phase: "offered" },
  event: PairingEvent,
): PairingState | undefined {
  const { offer } = state;
  switch (event.kind) {
    case "wrongSecret": {
      const wrongSecrets = state.wrongSecrets + 1;
      if (wrongSecrets >= maxWrongSecrets) return { phase: "locked", offer };
      return { phase: "offered", offer, wrongSecrets };
    }
    case "secretAccepted": {
      const { challengeId, deviceName } = event;
      return { phase: "redeemed", offer, challengeId, deviceName };
    }
    case "deadlinePassed":
      return { phase: "expired", offer };
    case "proofAccepted":
    case "proofRefused":
      return undefined;
    default:
      return unreachable(event);
  }
}

function fromRedeemed(
  state: PairingState & { phase: "redeemed" },
  event: PairingEvent,
): PairingState | undefined {
  const { offer } = state;
  switch (event.kind) {
    case "proofAccepted":
      return { phase: "enrolled", offer, deviceId: event.deviceId };
    case "proofRefused":
      return { phase: "refused", offer };
    case "deadlinePassed":
      return { phase: "expired", offer };
    case "wrongSecret":
    case "secretAccepted":
      return undefined;
    default:
      return unreachable(event);
  }
}
