/** A device with a token asks for a connection: challenge, proof, and a ticket that opens one WebSocket. */
import { sha256Base64url } from "../crypto/digest.ts";
import { parseP256Spki } from "../crypto/p256.ts";
import { randomId, randomSecret } from "../crypto/random.ts";
import { TokenError } from "../crypto/token-verifier.ts";
import { socketPath, type ConnectionPayload, type DeviceProof } from "../protocol/auth-api.ts";
import type { AccessGeneration, KnownGeneration, StatedGeneration } from "./access-generation.ts";
import { proofHolds } from "./device-proof.ts";
import type { DeviceRecord, DeviceRegistry } from "./device-registry.ts";
import { boundThumbprint, deviceTokenType, type HostTokens } from "./host-tokens.ts";
import { liveDevice } from "./live-access.ts";
import { OneUseBook } from "./one-use-book.ts";
import type { RequestFacts } from "./port.ts";
import { refusal, slowDown } from "./refusals.ts";
import { TokenBuckets } from "../util/token-buckets.ts";

const challengeLifeMs = 120_000;
const maxChallenges = 2000;
const ticketLifeMs = 30_000;
const maxTickets = 2000;
/** Of one device: a reload storm fits, a loop does not. */
const startsPerDevice = { burst: 30, perSecond: 1 };

export class Connection {
  readonly #registry: DeviceRegistry;
  readonly #tokens: HostTokens;
  readonly #generation: AccessGeneration;
  /** Called when a device proved that this host was restored. */
  readonly #onRestored: (by: DeviceRecord) => void;
  readonly #nowMs: () => number;
  readonly #challenges: OneUseBook<ConnectionPayload>;
  /** By the SHA-256 of the ticket. */
  readonly #tickets: OneUseBook<{ readonly deviceId: string; readonly origin: string }>;
  readonly #starts: TokenBuckets;

  constructor(
    parts: { registry: DeviceRegistry; tokens: HostTokens; generation: AccessGeneration },
    onRestored: (by: DeviceRecord) => void,
    nowMs: () => number,
  ) {
    this.#registry = parts.registry;
    this.#tokens = parts.tokens;
    this.#generation = parts.generation;
    this.#onRestored = onRestored;
    this.#nowMs = nowMs;
    this.#challenges = new OneUseBook({
      lifeMs: challengeLifeMs,
      maxEntries: maxChallenges,
      nowMs,
    });
    this.#tickets = new OneUseBook({ lifeMs: ticketLifeMs, maxEntries: maxTickets, nowMs });
    this.#starts = new TokenBuckets(startsPerDevice, nowMs);
  }

  async start(
    bearer: string | undefined,
    known: KnownGeneration,
    facts: RequestFacts,
  ): Promise<{ challenge: ConnectionPayload }> {
    const { token, device, expiresAt } = await this.#authenticate(bearer);
    const waitMs = this.#starts.take(device.id);
    if (waitMs > 0) throw slowDown(waitMs, device);
    const knownGeneration = await this.#generation.read(known, device);
    const challenge: ConnectionPayload = {
      type: "remoteControlClientConnection",
      audience: "remote_control_client_websocket",
      accountUserId: this.#tokens.hostId,
      clientId: device.id,
      nonce: randomSecret(),
      scopes: ["remote_control_controller_websocket"],
      sessionId: randomId("ses"),
      targetOrigin: facts.origin,
      targetPath: socketPath,
      tokenExpiresAt: expiresAt,
      tokenSha256Base64url: sha256Base64url(token),
      accessGeneration: this.#generation.current,
      knownGeneration,
    };
    if (!this.#challenges.put(challenge.sessionId, challenge)) {
      throw refusal("challenges_exhausted");
    }
    return { challenge };
  }

  async finish(
    bearer: string | undefined,
    body: { sessionId: string; proof: DeviceProof },
    facts: RequestFacts,
  ): Promise<{
    device: DeviceRecord;
    answer: StatedGeneration & { ticket: string; expiresInMs: number };
  }> {
    const { token, device } = await this.#authenticate(bearer);
    const challenge = this.#challenges.take(body.sessionId);
    if (challenge?.tokenSha256Base64url !== sha256Base64url(token)) {
      throw refusal("challenge_unknown", device);
    }
    if (challenge.targetOrigin !== facts.origin) throw refusal("wrong_origin", device);
    const publicKey = parseP256Spki(device.key.publicKeySpki);
    if (
      publicKey === undefined ||
      !proofHolds(challenge, body.proof, device.key.keyId, publicKey)
    ) {
      throw refusal("proof_refused", device);
    }
    if (this.#generation.proved(device.id, challenge.knownGeneration)) this.#onRestored(device);
    this.#generation.checkOpen(device);
    const stated = await this.#generation.stated();
    const ticket = randomSecret();
    const bound = { deviceId: device.id, origin: facts.origin };
    if (!this.#tickets.put(sha256Base64url(ticket), bound)) throw refusal("challenges_exhausted");
    return { device, answer: { ticket, expiresInMs: ticketLifeMs, ...stated } };
  }

  /** The device behind a ticket, which is used up. Throws `AuthError`. */
  redeem(ticket: string, facts: RequestFacts): DeviceRecord {
    const bound = this.#tickets.take(sha256Base64url(ticket));
    if (bound === undefined) throw refusal("ticket_invalid");
    if (bound.origin !== facts.origin) throw refusal("wrong_origin");
    const device = liveDevice(this.#registry, bound.deviceId, this.#nowMs());
    this.#generation.checkOpen(device);
    return device;
  }

  dropDevice(deviceId: string): void {
    this.#challenges.dropWhere(({ clientId }) => clientId === deviceId);
    this.#tickets.dropWhere((bound) => bound.deviceId === deviceId);
  }

  async #authenticate(
    bearer: string | undefined,
  ): Promise<{ token: string; device: DeviceRecord; expiresAt: number }> {
    if (bearer === undefined) throw refusal("token_missing");
    const verified = await this.#tokens.verify(bearer, deviceTokenType).catch(asRefusal);
    const device = liveDevice(this.#registry, verified.subject, this.#nowMs());
    if (boundThumbprint(verified) !== device.key.thumbprint) {
      throw refusal("token_invalid", device);
    }
    return { token: bearer, device, expiresAt: verified.expiresAt };
  }
}

function asRefusal(error: unknown): never {
  if (!(error instanceof TokenError)) throw error;
  throw refusal(error.reason === "expired" ? "token_expired" : "token_invalid");
}
