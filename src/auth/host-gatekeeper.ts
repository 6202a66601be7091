/** Who is at the door: bearer tokens of headless clients, tickets of devices. */
import { TokenError } from "../crypto/token-verifier.ts";
import type { Principal } from "../protocol/principal.ts";
import type { AccessEnds } from "./access-ends.ts";
import type { Connection } from "./connection.ts";
import type { AccessRecord, DeviceRegistry } from "./device-registry.ts";
import { deviceTokenType, headlessTokenType, type HostTokens } from "./host-tokens.ts";
import { accessFault } from "./live-access.ts";
import type { EndReason, Gatekeeper, RequestFacts } from "./port.ts";
import { refusal } from "./refusals.ts";

export class HostGatekeeper implements Gatekeeper {
  readonly #registry: DeviceRegistry;
  readonly #tokens: HostTokens;
  readonly #connection: Connection;
  readonly #ends: AccessEnds;
  readonly #options: { allowRemoteHeadless: boolean; nowMs: () => number };

  constructor(
    parts: {
      registry: DeviceRegistry;
      tokens: HostTokens;
      connection: Connection;
      ends: AccessEnds;
    },
    options: { allowRemoteHeadless: boolean; nowMs: () => number },
  ) {
    this.#registry = parts.registry;
    this.#tokens = parts.tokens;
    this.#connection = parts.connection;
    this.#ends = parts.ends;
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
    return this.#admit(record, facts);
  }

  async admitTicket(ticket: string, facts: RequestFacts): Promise<Principal> {
    return this.#admit(this.#connection.redeem(ticket, facts), facts);
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
