/** Turns the device key into what opens a socket. The token lives in memory only and is renewed by proof. */
import type { TokenFinish } from "../protocol/auth-api.ts";
import type { HttpPost } from "./auth-calls.ts";
import { authCall } from "./auth-calls.ts";
import { checkConnection, checkEnrollment } from "./challenge-check.ts";
import type { DeviceRecord, KeyStore, KnownGeneration } from "./device-key.ts";
import { identityHash, prove } from "./device-key.ts";
import type { ExpectedProof } from "./host-proof.ts";
import { checkHostProof, newHostNonce } from "./host-proof.ts";
import { hostRestored, notPaired, Refused } from "./refused.ts";

export type AccessToken = (typeof TokenFinish)["response"]["_zod"]["output"];

/** A token with less left than this is renewed first: challenge and proof take up to two round trips. */
const marginMs = 20_000;

export class Credentials {
  readonly #host: { readonly origin: string; readonly post: HttpPost };
  readonly #keyStore: KeyStore;
  #token: AccessToken | undefined;

  constructor(host: { readonly origin: string; readonly post: HttpPost }, keyStore: KeyStore) {
    this.#host = host;
    this.#keyStore = keyStore;
  }

  /** The role of the token in hand. */
  get role(): AccessToken["role"] | undefined {
    return this.#token?.role;
  }

  /** The host that issued the token in hand, as its `iss` names it. */
  get hostId(): string | undefined {
    return this.#token && issuerOf(this.#token.token);
  }

  /** Takes the token that pairing gave, so that the first connection needs no renewal. */
  adopt(token: AccessToken): void {
    this.#token = token;
  }

  /** What the token says no longer holds: the next connection begins with a new one. */
  forget(): void {
    this.#token = undefined;
  }

  /** Keeps what the host said of its access generation, if it is news and the device's storage takes it. */
  async learn({ accessGeneration, generationStatement }: KnownGeneration): Promise<void> {
    try {
      const device = await this.#keyStore.load();
      if (device === undefined || accessGeneration <= (device.known?.accessGeneration ?? -1))
        return;
      await this.#keyStore.save({ ...device, known: { accessGeneration, generationStatement } });
    } catch {
      // The next connection hears it again.
    }
  }

  /** A one-use ticket for a WebSocket. Rejects with `Refused` or `Unreachable`. */
  async ticket(): Promise<string> {
    const device = await this.#keyStore.load();
    if (device === undefined) throw new Refused(0, notPaired);
    const kept = this.#usableToken();
    if (kept === undefined) return this.#connect(device, await this.#renew(device));
    try {
      return await this.#connect(device, kept);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401) throw error;
      // The token may have ended with the host's key or clock; only a proof tells whether the device has.
      return this.#connect(device, await this.#renew(device));
    }
  }

  #usableToken(): AccessToken | undefined {
    const token = this.#token;
    return token !== undefined && token.expiresAt * 1000 - Date.now() > marginMs
      ? token
      : undefined;
  }

  async #renew(device: DeviceRecord): Promise<AccessToken> {
    const { clientId, identity } = device;
    const hostNonce = newHostNonce();
    const asked = { clientId, hostNonce };
    const { challenge, hostProof } = await authCall(this.#host, "/auth/token/start", asked);
    checkEnrollment(challenge, this.#host.origin);
    const { accountUserId: hostId, challengeId: id } = challenge;
    await this.#checkHost(device, hostProof, { nonce: hostNonce, hostId, challenge: id });
    const deviceIdentitySha256Base64url = await identityHash(identity);
    const proof = await prove(device, { ...challenge, deviceIdentitySha256Base64url });
    const { challengeId } = challenge;
    this.#token = await authCall(this.#host, "/auth/token/finish", { challengeId, proof });
    return this.#token;
  }

  async #connect(device: DeviceRecord, { token }: AccessToken): Promise<string> {
    const { origin } = this.#host;
    const { clientId, known } = device;
    const knownGeneration = known?.accessGeneration;
    const generationStatement = known?.generationStatement;
    const hostNonce = newHostNonce();
    const asked = { knownGeneration, generationStatement, hostNonce };
    const start = await authCall(this.#host, "/auth/connect/start", asked, token);
    const { challenge } = start;
    const expected = { origin, clientId, token, knownGeneration: knownGeneration ?? null };
    await checkConnection(challenge, expected);
    const { accountUserId: hostId, sessionId: id } = challenge;
    await this.#checkHost(device, start.hostProof, { nonce: hostNonce, hostId, challenge: id });
    const proof = await prove(device, challenge);
    const { sessionId } = challenge;
    const { ticket, ...stated } = await authCall(
      this.#host,
      "/auth/connect/finish",
      { sessionId, proof },
      token,
    );
    if (stated.accessGeneration < (knownGeneration ?? 0)) throw new Refused(0, hostRestored);
    await this.learn(stated);
    return ticket;
  }

  /** A device that knows its host's key signs nothing for another. */
  async #checkHost(
    { hostFingerprint: fingerprint }: DeviceRecord,
    hostProof: string | undefined,
    expected: Pick<ExpectedProof, "nonce" | "hostId" | "challenge">,
  ): Promise<void> {
    if (fingerprint === undefined) return;
    const { origin } = this.#host;
    await checkHostProof(hostProof, { ...expected, origin, fingerprint });
  }
}

/** `iss` of a token that came from the host itself; only its form is looked at. */
function issuerOf(token: string): string | undefined {
  const [, claims = ""] = token.split(".");
  const value: unknown = JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/")));
  const hasIssuer = typeof value === "object" && value !== null && "iss" in value;
  return hasIssuer && typeof value.iss === "string" ? value.iss : undefined;
}
