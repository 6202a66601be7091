/** What admins do with devices and headless tokens. */
import { shortFingerprint } from "../crypto/digest.ts";
import { randomId } from "../crypto/random.ts";
import type { Role } from "../protocol/principal.ts";
import type { AccessRecord, DeviceRegistry } from "./device-registry.ts";
import { visibleName } from "./display-name.ts";
import type { HostTokens } from "./host-tokens.ts";
import type { Pairing } from "./pairing.ts";
import type { DeviceAdmin, DeviceRow } from "./port.ts";
import { refusal } from "./refusals.ts";

const maxLifetimeMs = 366 * 24 * 60 * 60 * 1000;

export class HostDevices implements DeviceAdmin {
  readonly #registry: DeviceRegistry;
  readonly #tokens: HostTokens;
  readonly #pairing: Pairing;
  readonly #nowMs: () => number;
  /** Called when a record changed that others act on. */
  readonly #effects: { revoked(id: string): void; endsAdded(): void };

  constructor(
    parts: { registry: DeviceRegistry; tokens: HostTokens; pairing: Pairing },
    effects: { revoked(id: string): void; endsAdded(): void },
    nowMs: () => number,
  ) {
    this.#registry = parts.registry;
    this.#tokens = parts.tokens;
    this.#pairing = parts.pairing;
    this.#effects = effects;
    this.#nowMs = nowMs;
  }

  list(): readonly DeviceRow[] {
    return this.#registry.live().map(deviceRow);
  }

  revoke(id: string): boolean {
    if (!this.#registry.revoke(id)) return false;
    this.#effects.revoked(id);
    return true;
  }

  async issueHeadless(
    name: string,
    role: Role,
    ttlMs: number,
  ): Promise<{ token: string; id: string; expiresAtMs: number }> {
    checkLifetime(ttlMs);
    const expiresAt = Math.floor((this.#nowMs() + ttlMs) / 1000);
    const expiresAtMs = expiresAt * 1000;
    const id = randomId("tok");
    this.#registry.addHeadless({ id, name: visibleName(name), role, expiresAtMs });
    this.#effects.endsAdded();
    return { token: await this.#tokens.issueHeadless(id, expiresAt), id, expiresAtMs };
  }

  /** The first device becomes admin, whatever was asked: somebody must be able to add others. */
  offerPairing(role: Role, deviceTtlMs?: number): { secret: string; expiresAtMs: number } {
    if (deviceTtlMs !== undefined) checkLifetime(deviceTtlMs);
    return this.hasDevices()
      ? this.#pairing.offer(role, deviceTtlMs ?? null)
      : this.#pairing.offer("admin", null);
  }

  hasDevices(): boolean {
    return this.#registry.live().some(({ kind }) => kind === "device");
  }
}

function checkLifetime(ttlMs: number): void {
  if (!(ttlMs > 1000 && ttlMs <= maxLifetimeMs)) throw refusal("bad_lifetime");
}

function deviceRow(record: AccessRecord): DeviceRow {
  const { id, kind, name, role, createdAtMs, lastSeenAtMs, expiresAtMs } = record;
  const fingerprint = record.kind === "device" ? shortFingerprint(record.key.thumbprint) : null;
  return { id, kind, name, role, createdAtMs, lastSeenAtMs, expiresAtMs, fingerprint };
}
