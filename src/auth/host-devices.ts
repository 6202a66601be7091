/** What admins do with devices and headless tokens. */
import type { Actor, Audit } from "../audit/port.ts";
import { by as byActor } from "../audit/port.ts";
import { shortFingerprint } from "../crypto/digest.ts";
import { randomId } from "../crypto/random.ts";
import type { Role } from "../protocol/principal.ts";
import type { AccessGeneration } from "./access-generation.ts";
import type { AccessRecord, DeviceRegistry } from "./device-registry.ts";
import { accessFault } from "./live-access.ts";
import { visibleName } from "./display-name.ts";
import type { HostTokens } from "./host-tokens.ts";
import { checkLifetime } from "./lifetime.ts";
import { checkedChange, shownChange } from "./access-change.ts";
import type { DeviceAdmin, DeviceChange, DeviceRow, ForeignAdmin, RestoredState } from "./port.ts";

/** Called when a record changed that others act on. */
interface Effects {
  revoked(ids: readonly string[]): void;
  changed(id: string): void;
  endsAdded(): void;
  generationRaised(): void;
}

export class HostDevices implements DeviceAdmin {
  readonly foreign: ForeignAdmin;
  readonly #registry: DeviceRegistry;
  readonly #tokens: HostTokens;
  readonly #audit: Audit;
  readonly #generation: AccessGeneration;
  readonly #nowMs: () => number;
  readonly #effects: Effects;

  constructor(
    parts: {
      registry: DeviceRegistry;
      tokens: HostTokens;
      generation: AccessGeneration;
      audit: Audit;
      foreign: ForeignAdmin;
    },
    effects: Effects,
    nowMs: () => number,
  ) {
    this.foreign = parts.foreign;
    this.#registry = parts.registry;
    this.#tokens = parts.tokens;
    this.#audit = parts.audit;
    this.#generation = parts.generation;
    this.#effects = effects;
    this.#nowMs = nowMs;
  }

  list(): readonly DeviceRow[] {
    return this.#registry.live().map(deviceRow);
  }

  revoke(id: string, by: Actor): boolean {
    const entry = { act: "access.revoke" as const, ...byActor(by) };
    if (!this.#registry.revoke(id)) {
      this.#audit.add({ ...entry, outcome: "failed", code: "not_found", about: { id } });
      return false;
    }
    this.#audit.add({ ...entry, outcome: "done", about: { id } });
    this.#effects.revoked([id]);
    return true;
  }

  revokeAll(by: Actor): readonly string[] {
    const ids = this.#registry.revokeAll();
    for (const id of ids) {
      this.#audit.add({ act: "access.revoke", outcome: "done", ...byActor(by), about: { id } });
    }
    this.#effects.revoked(ids);
    return ids;
  }

  change(id: string, change: DeviceChange, by: Actor): DeviceRow | undefined {
    const record = this.#registry.find(id);
    if (record === undefined || accessFault(record, this.#nowMs()) !== undefined) return undefined;
    const checked = checkedChange(record, change, this.#nowMs());
    this.#registry.change(record, checked);
    const { name: _name, ...limits } = checked;
    const about = { id, ...shownChange(change) };
    this.#audit.add({ act: "access.change", outcome: "done", ...byActor(by), about });
    if (Object.keys(limits).length > 0) this.#effects.changed(id);
    const changed = this.#registry.find(id);
    return changed && deviceRow(changed);
  }

  standing(id: string): "live" | "revoked" | "expired" | "unknown" {
    const fault = accessFault(this.#registry.find(id), this.#nowMs());
    return fault === undefined ? "live" : standings[fault];
  }

  restored(): RestoredState | undefined {
    const finding = this.#generation.finding;
    if (finding === undefined) return undefined;
    const { generation: knownGeneration, deviceId, foundAtMs } = finding;
    return { generation: this.#generation.current, knownGeneration, deviceId, foundAtMs };
  }

  confirmRestore(by: Actor): boolean {
    if (this.#generation.finding === undefined) return false;
    this.#generation.confirm();
    const about = { generation: this.#generation.current };
    this.#audit.add({ act: "restore.confirm", outcome: "done", ...byActor(by), about });
    this.#effects.generationRaised();
    return true;
  }

  async issueHeadless(
    name: string,
    role: Role,
    ttlMs: number,
    by: Actor,
  ): Promise<{ token: string; id: string; expiresAtMs: number }> {
    checkLifetime(ttlMs);
    const expiresAt = Math.floor((this.#nowMs() + ttlMs) / 1000);
    const expiresAtMs = expiresAt * 1000;
    const id = randomId("tok");
    const shown = visibleName(name);
    this.#registry.addHeadless({ id, name: shown, role, expiresAtMs });
    this.#effects.endsAdded();
    const about = { id, name: shown, role, expiresAtMs };
    this.#audit.add({ act: "token.issue", outcome: "done", ...byActor(by), about });
    return { token: await this.#tokens.issueHeadless(id, expiresAt), id, expiresAtMs };
  }

  hasDevices(): boolean {
    return this.#registry.live().some(({ kind }) => kind === "device");
  }
}

const standings = {
  device_unknown: "unknown",
  device_revoked: "revoked",
  device_expired: "expired",
} as const;

function deviceRow(record: AccessRecord): DeviceRow {
  const { id, kind, name, role, createdAtMs, lastSeenAtMs, expiresAtMs, roleUntilMs, scope } =
    record;
  const fingerprint = record.kind === "device" ? shortFingerprint(record.key.thumbprint) : null;
  const ends = { expiresAtMs, roleUntilMs };
  return { id, kind, name, role, createdAtMs, lastSeenAtMs, ...ends, scope, fingerprint };
}
