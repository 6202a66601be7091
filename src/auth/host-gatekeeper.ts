/** Who is at the door: bearer tokens of headless clients, tickets of devices. */
import { TokenError } from "../crypto/token-verifier.ts";
import { mayAct, type Principal } from "../protocol/principal.ts";
import type { AccessGeneration } from "./access-generation.ts";
import type { AccessEnds } from "./access-ends.ts";
import type { Connection } from "./connection.ts";
import type { AccessRecord, DeviceRegistry } from "./device-registry.ts";
import { deviceTokenType, headlessTokenType, type HostTokens } from "./host-tokens.ts";
import { accessFault } from "./live-access.ts";
import type { EndReason, Gatekeeper, RequestFacts, Standing } from "./port.ts";
import { refusal } from "./refusals.ts";

export class HostGatekeeper implements Gatekeeper, Standing {
  readonly #registry: DeviceRegistry;
  readonly #tokens: HostTokens;
  readonly #connection: Connection;
  readonly #ends: AccessEnds;
  readonly #generation: AccessGeneration;
  readonly #options: { allowRemoteHeadless: boolean; nowMs: () => number };

  constructor(
    parts: {
      registry: DeviceRegistry;
      tokens: HostTokens;
      connection: Connection;
      ends: AccessEnds;
      generation: AccessGeneration;
    },
    options: { allowRemoteHeadless: boolean; nowMs: () => number },
  ) {
    this.#registry = parts.registry;
    this.#tokens = parts.tokens;
    this.#connection = parts.connection;
    this.#ends = parts.ends;
    this.#generation = parts.generation;
    this.#options = options;
  }

  async admitBearer(token: string, facts: RequestFacts): Promise<Principal> {
    const verified = await this.#tokens
      .verify(token, [headlessTokenType, deviceTokenType])
      .catch(asRefusal);
    const record = this.#registry.find(verified.subject);
    const fault = accessFault(record, this.#options.nowMs());
    if (fault === "device_expired") throw refusal("bearer_expired", record);
    if (fault !== undefined || record === undefined) throw refusal("bearer_invalid", record);
    if (verified.type === deviceTokenType) throw refusal("ticket_needed", record);
    if (record.kind !== "headless") throw refusal("bearer_invalid", record);
    const local = facts.loopback && !facts.forwarded;
    if (!local && !this.#options.allowRemoteHeadless) throw refusal("headless_remote", record);
    this.#generation.checkOpen(record);
    return this.#admit(record, facts);
  }

  async admitTicket(ticket: string, facts: RequestFacts): Promise<Principal> {
    return this.#admit(this.#connection.redeem(ticket, facts), facts);
  }

  holds({ kind, id, role }: Principal): boolean {
    if (kind === "local") return true;
    if (kind === "foreign") return this.#generation.finding === undefined;
    const record = this.#registry.find(id);
    const fault = accessFault(record, this.#options.nowMs());
    return fault === undefined && record?.role === role && this.#generation.finding === undefined;
  }

  /** Who is not in the registry is the local admin or somebody of another issuer. */
  maySend(principalId: string): boolean {
    const record = this.#registry.find(principalId);
    if (record === undefined) return true;
    const fault = accessFault(record, this.#options.nowMs());
    return fault === undefined && mayAct(record.role, "operator");
  }

  onEnd(listener: (principalId: string, reason: EndReason) => void): () => void {
    return this.#ends.listen(listener);
  }

  #admit(record: AccessRecord, { address }: RequestFacts): Principal {
    this.#registry.markSeen(record);
    const { kind, id, name, role } = record;
    return { kind, id, name, role, address };
  }
}

function asRefusal(error: unknown): never {
  if (!(error instanceof TokenError)) throw error;
  throw refusal(error.reason === "expired" ? "bearer_expired" : "bearer_invalid");
}
