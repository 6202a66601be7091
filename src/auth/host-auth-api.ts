/** The calls under `/auth/`: each body is read by its schema, each answer follows it. */
import {
  ConnectFinish,
  ConnectStart,
  HostProve,
  PairFinish,
  PairStart,
  PairStatus,
  TaskRegister,
  TaskRegistration,
  TokenFinish,
  TokenStart,
} from "../protocol/auth-api.ts";
import { shortFingerprint } from "../crypto/digest.ts";
import type { Audit } from "../audit/port.ts";
import { audited, type Answered } from "./auth-audit.ts";
import type { Connection } from "./connection.ts";
import type { ForeignDoor } from "./foreign-door.ts";
import type { HostTokens } from "./host-tokens.ts";
import type { DeviceRegistry } from "./device-registry.ts";
import { liveDevice } from "./live-access.ts";
import type { Pairing, PairingOutcome } from "./pairing.ts";
import type { AuthApi, RequestFacts } from "./port.ts";
import { refusal, slowDown } from "./refusals.ts";
import type { Renewal } from "./renewal.ts";
import { networkOf } from "../util/network-of.ts";
import type { TokenBuckets } from "../util/token-buckets.ts";

interface Parts {
  readonly audit: Audit;
  readonly tokens: HostTokens;
  readonly pairing: Pairing;
  readonly renewal: Renewal;
  readonly connection: Connection;
  readonly foreign: ForeignDoor;
  /** Per address, for the calls that anyone may start. */
  readonly starts: TokenBuckets;
  readonly registry: DeviceRegistry;
  readonly nowMs: () => number;
}

export class HostAuthApi implements AuthApi {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  call(
    path: string,
    body: unknown,
    facts: RequestFacts,
    bearer: string | undefined,
  ): Promise<unknown> {
    return audited(this.#parts.audit, path, facts, () => this.#call(path, body, facts, bearer));
  }

  jwks(): { readonly keys: readonly object[] } {
    return this.#parts.tokens.jwks();
  }

  async #call(
    path: string,
    body: unknown,
    facts: RequestFacts,
    bearer: string | undefined,
  ): Promise<Answered> {
    const { pairing } = this.#parts;
    switch (path) {
      case HostProve.path:
        return this.#proveHost(body, facts);
      case PairStart.path:
        return this.#pairStart(body, facts);
      case PairFinish.path:
        this.#checkAudit();
        return this.#paired(pairing.finish(read(PairFinish.request, body), facts));
      case PairStatus.path: {
        const { challengeId, waitMs = 0 } = read(PairStatus.request, body);
        this.#checkAudit();
        return this.#paired(await pairing.status(challengeId, waitMs));
      }
      case TokenStart.path:
        return this.#tokenStart(body, facts);
      case TokenFinish.path:
        return this.#tokenFinish(body, facts);
      case ConnectStart.path:
        return this.#connectStart(body, facts, bearer);
      case ConnectFinish.path:
        return this.#connectFinish(body, facts, bearer);
      case TaskRegister.path:
        this.#limit(facts);
        return this.#parts.foreign.register(read(TaskRegistration, body), facts);
      default:
        throw refusal("not_found");
    }
  }

  async #proveHost(body: unknown, facts: RequestFacts): Promise<Answered> {
    const { hostNonce } = read(HostProve.request, body);
    this.#limit(facts);
    const { hostId } = this.#parts.tokens;
    return { answer: { hostId, ...(await this.#hostProof(hostNonce, facts, "")) } };
  }

  async #pairStart(body: unknown, facts: RequestFacts): Promise<Answered> {
    const { hostNonce, ...asked } = read(PairStart.request, body);
    this.#limit(facts);
    const { pairingId, ...answer } = this.#parts.pairing.start(asked, facts);
    const { challenge } = answer;
    return {
      answer: { ...answer, ...(await this.#hostProof(hostNonce, facts, challenge.challengeId)) },
      // Nobody yet: the name is what the new device says of itself.
      who: { kind: "unknown", id: challenge.clientId, name: asked.deviceName },
      about: { pairing: pairingId, way: asked.secret === undefined ? "code" : "link" },
    };
  }

  /** With a token for a device that is enrolled, and still is when it asks again. */
  async #paired(outcome: PairingOutcome): Promise<Answered> {
    const { tokens, registry, nowMs } = this.#parts;
    const { device, pairingId, news } = outcome;
    const { id, name, role } = device;
    const { thumbprint } = device.key;
    const fingerprint = shortFingerprint(thumbprint);
    const about = { pairing: pairingId, role, fingerprint, key: thumbprint };
    if (outcome.status === "waiting") {
      const { status, expiresInMs } = outcome;
      const who = { kind: "unknown" as const, id, name };
      return { answer: { status, expiresInMs }, ...(news && { act: "pair.prove", who, about }) };
    }
    liveDevice(registry, id, nowMs());
    const issued = await tokens.issueDevice(id, thumbprint);
    return {
      answer: { status: "enrolled", ...issued, role, clientId: id },
      ...(news && { who: { kind: "device", id, name }, about }),
    };
  }

  async #tokenStart(body: unknown, facts: RequestFacts): Promise<Answered> {
    const { clientId, hostNonce } = read(TokenStart.request, body);
    this.#limit(facts);
    const { challenge } = this.#parts.renewal.start(clientId, facts);
    const proof = await this.#hostProof(hostNonce, facts, challenge.challengeId);
    return { answer: { challenge, ...proof } };
  }

  async #tokenFinish(body: unknown, facts: RequestFacts): Promise<Answered> {
    const device = this.#parts.renewal.finish(read(TokenFinish.request, body), facts);
    const issued = await this.#parts.tokens.issueDevice(device.id, device.key.thumbprint);
    return { answer: { ...issued, role: device.role }, who: device };
  }

  async #connectStart(
    body: unknown,
    facts: RequestFacts,
    bearer: string | undefined,
  ): Promise<Answered> {
    const { hostNonce, ...known } = read(ConnectStart.request, body);
    const { challenge } = await this.#parts.connection.start(bearer, known, facts);
    const proof = await this.#hostProof(hostNonce, facts, challenge.sessionId);
    return { answer: { challenge, ...proof } };
  }

  async #connectFinish(
    body: unknown,
    facts: RequestFacts,
    bearer: string | undefined,
  ): Promise<Answered> {
    const asked = read(ConnectFinish.request, body);
    const { device, answer } = await this.#parts.connection.finish(bearer, asked, facts);
    return { answer, who: device };
  }

  /** The proof of the host's own key, for a client that asked for it. */
  async #hostProof(
    nonce: string | undefined,
    { origin }: RequestFacts,
    challenge: string,
  ): Promise<{ hostProof?: string }> {
    if (nonce === undefined) return {};
    return { hostProof: await this.#parts.tokens.proveHost({ nonce, origin, challenge }) };
  }

  /** Nobody comes to be known while it could not be written down. */
  #checkAudit(): void {
    if (!this.#parts.audit.writable) throw refusal("audit_unwritable");
  }

  #limit(facts: RequestFacts): void {
    const waitMs = this.#parts.starts.take(networkOf(facts.address));
    if (waitMs > 0) throw slowDown(waitMs);
  }
}

interface Schema<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false };
}

function read<T>(schema: Schema<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (!result.success) throw refusal("bad_request");
  return result.data;
}
