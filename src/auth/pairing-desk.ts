/** What admins do with pairings: offer, look, confirm, refuse. */
import type { Actor, Audit, AuditAct } from "../audit/port.ts";
import { by as byActor } from "../audit/port.ts";
import { sha256Base64url, shortFingerprint } from "../crypto/digest.ts";
import { randomCode, randomId, randomSecret } from "../crypto/random.ts";
import { codeAlphabet, codeLength, pairingCodeText } from "../protocol/pairing-code.ts";
import type { Pairing } from "../protocol/pairing.ts";
import type { Role } from "../protocol/principal.ts";
import { checkLifetime } from "./lifetime.ts";
import type { PairingBook } from "./pairing-book.ts";
import type { PairingAct, PairingRequest, PairingState, ProvedDevice } from "./pairing-state.ts";
import type { OfferedPairing, PairingDesk } from "./port.ts";

export class HostPairingDesk implements PairingDesk {
  readonly #book: PairingBook;
  readonly #audit: Audit;
  readonly #hasDevices: () => boolean;

  constructor(parts: { book: PairingBook; audit: Audit; hasDevices: () => boolean }) {
    this.#book = parts.book;
    this.#audit = parts.audit;
    this.#hasDevices = parts.hasDevices;
  }

  /** The first device becomes admin, whatever was asked: somebody must be able to add others. */
  offer(
    asked: Role,
    by: Actor,
    options: { readonly deviceTtlMs?: number; readonly withCode?: boolean } = {},
  ): OfferedPairing {
    if (options.deviceTtlMs !== undefined) checkLifetime(options.deviceTtlMs);
    const first = !this.#hasDevices();
    const role = first ? "admin" : asked;
    const secret = randomSecret();
    const code = options.withCode === false ? undefined : randomCode(codeAlphabet, codeLength);
    const id = randomId("pair");
    const { untilMs } = this.#book.add({
      id,
      secretDigest: sha256Base64url(secret),
      codeDigest: code === undefined ? undefined : sha256Base64url(code),
      role,
      deviceTtlMs: first ? null : (options.deviceTtlMs ?? null),
      first,
    });
    const about = { pairing: id, role, first };
    this.#audit.add({ act: "pair.offer", outcome: "done", ...byActor(by), about });
    const shown = code === undefined ? null : pairingCodeText(code);
    return { id, secret, code: shown, expiresAtMs: untilMs, first };
  }

  list(): readonly Pairing[] {
    return this.#book.states().map(pairingView);
  }

  confirm(id: string, by: Actor): boolean {
    return this.#decide("pair.confirm", { kind: "confirmed" }, id, by);
  }

  refuse(id: string, by: Actor): boolean {
    return this.#decide("pair.refuse", { kind: "declined" }, id, by);
  }

  cancel(id: string, by: Actor): boolean {
    return this.#decide("pair.cancel", { kind: "cancelled" }, id, by);
  }

  onChange(listener: (pairing: Pairing) => void): () => void {
    return this.#book.listen((state) => listener(pairingView(state)));
  }

  #decide(act: AuditAct, event: PairingAct, id: string, by: Actor): boolean {
    const state = this.#book.apply(id, event);
    this.#audit.add({
      act,
      ...(state === undefined ? { outcome: "failed", code: "not_found" } : { outcome: "done" }),
      ...byActor(by),
      about: { pairing: id, ...(state && deviceFacts(state)) },
    });
    return state !== undefined;
  }
}

/** Of the device that redeemed the pairing, for the audit log. */
export function deviceFacts(state: PairingState): Record<string, string> {
  const { request, device } = pairingParts(state);
  if (request === undefined) return {};
  const { deviceName: name, address: from } = request;
  const fingerprint = device && shortFingerprint(device.key.thumbprint);
  return { name, from, ...(device && { device: device.id }), ...(fingerprint && { fingerprint }) };
}

const pairingParts = (
  state: PairingState,
): { request: PairingRequest | undefined; device: ProvedDevice | undefined } => ({
  request: "request" in state ? state.request : undefined,
  device: "device" in state ? state.device : undefined,
});

function pairingView(state: PairingState): Pairing {
  const { offer, phase, untilMs } = state;
  const { request, device } = pairingParts(state);
  return {
    id: offer.id,
    phase,
    role: offer.role,
    deviceTtlMs: offer.deviceTtlMs,
    expiresAtMs: untilMs,
    because: state.phase === "refused" ? state.because : null,
    deviceId: state.phase === "enrolled" ? state.device.id : null,
    request:
      request === undefined
        ? null
        : {
            deviceName: request.deviceName,
            address: request.address,
            way: request.way,
            fingerprint: device === undefined ? null : shortFingerprint(device.key.thumbprint),
            words: device === undefined ? null : [...device.words],
          },
  };
}
