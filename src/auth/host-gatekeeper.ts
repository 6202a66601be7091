/** Who is at the door: bearer tokens of headless clients and of other issuers, tickets of devices, agents' assertions. */
import { readCompactToken } from "../crypto/compact-jws.ts";
import { TokenError, TokenVerifier, type VerifiedToken } from "../crypto/token-verifier.ts";
import { mayAct, type Principal } from "../protocol/principal.ts";
import type { AccessGeneration } from "./access-generation.ts";
import type { AccessEnds } from "./access-ends.ts";
import type { Connection } from "./connection.ts";
import type { AccessRecord, DeviceRegistry } from "./device-registry.ts";
import type { ForeignDoor } from "./foreign-door.ts";
import { deviceTokenType, type HostTokens } from "./host-tokens.ts";
import { accessFault, nextEnd } from "./live-access.ts";
import type { EndReason, Gatekeeper, RequestFacts, Standing } from "./port.ts";
import { refusal } from "./refusals.ts";

export class HostGatekeeper implements Gatekeeper, Standing {
  readonly #registry: DeviceRegistry;
  readonly #tokens: HostTokens;
  readonly #connection: Connection;
  readonly #ends: AccessEnds;
  readonly #generation: AccessGeneration;
  readonly #foreign: ForeignDoor;
  /** Of tokens of this host and of the issuers that are configured. */
  readonly #bearers: TokenVerifier;
  readonly #options: { allowRemoteHeadless: boolean; nowMs: () => number };

  constructor(
    parts: {
      registry: DeviceRegistry;
      tokens: HostTokens;
      connection: Connection;
      ends: AccessEnds;
      generation: AccessGeneration;
      foreign: ForeignDoor;
    },
    options: { allowRemoteHeadless: boolean; nowMs: () => number },
  ) {
    this.#registry = parts.registry;
    this.#tokens = parts.tokens;
    this.#connection = parts.connection;
    this.#ends = parts.ends;
    this.#generation = parts.generation;
    this.#foreign = parts.foreign;
    this.#bearers = new TokenVerifier([parts.tokens.issuer, ...parts.foreign.trusted]);
    this.#options = options;
  }

  async admitBearer(token: string, facts: RequestFacts): Promise<Principal> {
    if (holdsPrivateKey(token)) throw refusal("private_key_inside");
    const verified = await this.#bearers.verify(token, this.#options.nowMs()).catch(asRefusal);
    try {
      return verified.issuer === this.#tokens.hostId
        ? this.#admitHeadless(verified, facts)
        : this.#foreign.admitToken(token, verified, facts);
    } catch (error) {
      this.#bearers.forget(token);
      throw error;
    }
  }

  async admitAssertion(
    assertion: string,
    account: string | undefined,
    facts: RequestFacts,
  ): Promise<Principal> {
    return this.#foreign.admitAssertion(assertion, account, facts);
  }

  #admitHeadless(verified: VerifiedToken, facts: RequestFacts): Principal {
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

  holds(principal: Principal): boolean {
    const { kind, id, role, scope } = principal;
    if (kind === "local") return true;
    if (kind === "foreign")
      return this.#generation.finding === undefined && this.#foreign.holds(principal);
    const record = this.#registry.find(id);
    const fault = accessFault(record, this.#options.nowMs());
    if (fault !== undefined || record === undefined || this.#generation.finding) return false;
    return (
      record.role === role && JSON.stringify(record.scope ?? undefined) === JSON.stringify(scope)
    );
  }

  /** Ids of other issuers, and no others, hold a `|`; who else is not in the registry is the local admin. */
  maySend(principalId: string): boolean {
    if (principalId.includes("|")) return this.#foreign.maySend(principalId);
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
    const { kind, id, name, role, scope } = record;
    const ends = nextEnd(record);
    return { kind, id, name, role, address, ...(scope && { scope }), ...(ends && { ends }) };
  }
}

/** Stock AgentIdentity tokens carry the agent's key. Asked before anything else is, so that nothing keeps such a token. */
function holdsPrivateKey(token: string): boolean {
  const claims = readCompactToken(token)?.claims;
  return claims !== undefined && Object.hasOwn(claims, "agent_private_key");
}

function asRefusal(error: unknown): never {
  if (!(error instanceof TokenError)) throw error;
  if (error.reason === "keysUnavailable") throw refusal("issuer_unavailable");
  throw refusal(error.reason === "expired" ? "bearer_expired" : "bearer_invalid");
}
