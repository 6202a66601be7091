/** A host without a network: the auth calls with real proofs, and sockets that a test holds by the other end. */
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { p256 } from "@noble/curves/nist.js";
import { z } from "zod";
import type { HttpPost } from "../../../src/client/auth-calls.ts";
import type { OpenSocket, SocketListener } from "../../../src/client/client-socket.ts";
import {
  ConnectFinish,
  ConnectStart,
  HostProve,
  PairFinish,
  PairStart,
  TokenFinish,
  TokenStart,
} from "../../../src/protocol/auth-api.ts";

const Call = z.object({
  id: z.number().optional(),
  method: z.string(),
  params: z.unknown().optional(),
  idempotencyKey: z.string().optional(),
});
type Call = z.infer<typeof Call>;

/** One socket of the client, seen from the host. */
export class HostSocket {
  readonly calls: Call[] = [];
  readonly answers: unknown[] = [];
  readonly protocols: readonly string[];
  readonly #listener: SocketListener;
  readonly #answer: (call: Call) => unknown;
  open = true;

  constructor(
    protocols: readonly string[],
    listener: SocketListener,
    answer: (call: Call) => unknown,
  ) {
    this.protocols = protocols;
    this.#listener = listener;
    this.#answer = answer;
  }

  push(frame: object): void {
    this.#listener.received(JSON.stringify(frame));
  }

  drop(code = 1006, reason = ""): void {
    if (!this.open) return;
    this.open = false;
    this.#listener.closed(code, reason);
  }

  opened(): void {
    this.#listener.opened();
  }

  take(text: string): void {
    const parsed = Call.safeParse(JSON.parse(text));
    if (!parsed.success) {
      this.answers.push(JSON.parse(text));
      return;
    }
    this.calls.push(parsed.data);
    const { id } = parsed.data;
    const result = this.#answer(parsed.data);
    if (id !== undefined && result !== undefined) this.push({ id, ...Object(result) });
  }
}

export interface MemoryHostOptions {
  readonly secret?: string;
  readonly claimedOrigin?: string;
  /** What `/auth/pair/status` answers, one after the other; with any, a new device waits. */
  readonly decisions?: ("waiting" | "enrolled" | "lost")[];
}

const { privateKey: hostKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const { x, y } = publicKey.export({ format: "jwk" });
/** RFC 7638. */
export const hostFingerprint = createHash("sha256")
  .update(JSON.stringify({ crv: "P-256", kty: "EC", x, y }))
  .digest("base64url");

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Answers by method; a method that is not listed stays unanswered. */
export type Answers = Record<string, (params: unknown) => object>;

export class MemoryHost {
  readonly origin = "http://localhost:7420";
  readonly paths: string[] = [];
  readonly sockets: HostSocket[] = [];
  answers: Answers = { initialize: () => ({ result: {} }) };
  /** Signs the host's proof. */
  signer = hostKey;
  /** Changes what the host's proof says. */
  forge: (proof: { header: object; claims: object }) => { header: object; claims: object } = (
    proof,
  ) => proof;
  /** A refusal for the next calls of a path. */
  readonly refusals = new Map<string, { status: number; code: string }>();
  reachable = true;
  readonly #options: MemoryHostOptions;
  #publicKey = new Uint8Array();
  #tokens = 0;
  #challenge: object = {};

  constructor(options: MemoryHostOptions = {}) {
    this.#options = options;
  }

  get lastSocket(): HostSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error("no socket was opened");
    return socket;
  }

  readonly post: HttpPost = (url, { body, headers }) => {
    if (!this.reachable) return Promise.reject(new TypeError("fetch failed"));
    const path = url.slice(this.origin.length);
    this.paths.push(path);
    if (path === "/auth/pair/status" && this.#options.decisions?.[0] === "lost") {
      this.#options.decisions.shift();
      return Promise.reject(new TypeError("fetch failed"));
    }
    const refusal = this.refusals.get(path);
    if (refusal !== undefined) {
      const error = { code: refusal.code, message: "No.", nextStep: "npx farhelm pair" };
      return Promise.resolve(answer(refusal.status, { error }));
    }
    const bearer = headers["authorization"]?.slice("Bearer ".length) ?? "";
    return Promise.resolve(answer(200, this.#handle(path, JSON.parse(body), bearer)));
  };

  readonly openSocket: OpenSocket = (_url, protocols, listener) => {
    const socket = new HostSocket(protocols, listener, ({ method, params }) =>
      this.answers[method]?.(params),
    );
    this.sockets.push(socket);
    queueMicrotask(() => socket.opened());
    return {
      send: (text) => socket.take(text),
      close: (code, reason) => socket.drop(code, reason),
    };
  };

  /** How often it took access away. */
  accessGeneration = 0;
  /** The bodies of connect/start. */
  readonly starts: object[] = [];

  #handle(path: string, body: unknown, bearer: string): object {
    switch (path) {
      case "/auth/host": {
        const { hostNonce } = HostProve.request.parse(body);
        const { hostProof } = this.#asked(hostNonce, "");
        return { hostId: `urn:farhelm:host:${hostFingerprint}`, hostProof };
      }
      case "/auth/pair/start":
        if (PairStart.request.parse(body).secret !== this.#options.secret)
          throw new Error("secret");
        this.#challenge = this.#enrollment();
        return this.#asked(PairStart.request.parse(body).hostNonce, "ch_1");
      case "/auth/pair/finish": {
        const { deviceIdentity, proof } = PairFinish.request.parse(body);
        this.#publicKey = Uint8Array.from(
          Buffer.from(deviceIdentity.publicKeySpkiDerBase64, "base64").subarray(-65),
        );
        this.#verify(proof);
        return this.#options.decisions === undefined ? this.#enrolled() : waiting;
      }
      case "/auth/pair/status":
        return this.#options.decisions?.shift() === "waiting" ? waiting : this.#enrolled();
      case "/auth/token/start":
        this.#challenge = { ...this.#enrollment(), deviceIdentitySha256Base64url: "x" };
        return this.#asked(TokenStart.request.parse(body).hostNonce, "ch_1");
      case "/auth/token/finish":
        this.#verify(TokenFinish.request.parse(body).proof);
        return this.#token();
      case "/auth/connect/start":
        this.starts.push(Object(body));
        this.#challenge = {
          type: "remoteControlClientConnection",
          audience: "remote_control_client_websocket",
          accountUserId: `urn:farhelm:host:${hostFingerprint}`,
          clientId: "cli_1",
          sessionId: "sess_1",
          targetOrigin: this.#options.claimedOrigin ?? this.origin,
          accessGeneration: this.accessGeneration,
          knownGeneration: ConnectStart.request.parse(body).knownGeneration ?? null,
          tokenSha256Base64url: createHash("sha256").update(bearer).digest("base64url"),
        };
        return this.#asked(ConnectStart.request.parse(body).hostNonce, "sess_1");
      default:
        this.#verify(ConnectFinish.request.parse(body).proof);
        return {
          ticket: "TICKET",
          expiresInMs: 30_000,
          accessGeneration: this.accessGeneration,
          generationStatement: `stated-${this.accessGeneration}`,
        };
    }
  }

  /** The challenge, with the proof of the host's key for who asked for it. */
  #asked(
    nonce: string | undefined,
    challenge: string,
  ): { challenge: object; expiresInMs?: number; hostProof?: string } {
    if (nonce === undefined) return { challenge: this.#challenge };
    const { header, claims } = this.forge({
      header: {
        alg: "ES256",
        typ: "farhelm-host-proof+jwt",
        jwk: { kty: "EC", crv: "P-256", x, y },
      },
      claims: {
        iss: `urn:farhelm:host:${hostFingerprint}`,
        aud: this.origin,
        nonce,
        challenge,
      },
    });
    const signed = `${part(header)}.${part(claims)}`;
    const signature = sign("sha256", Buffer.from(signed), {
      key: this.signer,
      dsaEncoding: "ieee-p1363",
    }).toString("base64url");
    return {
      challenge: this.#challenge,
      expiresInMs: 120_000,
      hostProof: `${signed}.${signature}`,
    };
  }

  #enrolled(): object {
    return { status: "enrolled", clientId: "cli_1", ...this.#token() };
  }

  #enrollment(): object {
    return {
      accountUserId: `urn:farhelm:host:${hostFingerprint}`,
      nonce: "N".repeat(43),
      type: "remoteControlClientEnrollment",
      audience: "remote_control_client_enrollment",
      challengeId: "ch_1",
      clientId: "cli_1",
      targetOrigin: this.#options.claimedOrigin ?? this.origin,
    };
  }

  #token(): object {
    this.#tokens += 1;
    return { token: `token-${this.#tokens}`, expiresAt: Date.now() / 1000 + 300, role: "admin" };
  }

  #verify(proof: { signatureDerBase64: string; signedPayloadBase64: string }): void {
    const bytes = Buffer.from(proof.signedPayloadBase64, "base64");
    const signature = Buffer.from(proof.signatureDerBase64, "base64");
    const good = p256.verify(signature, bytes, this.#publicKey, { lowS: false, format: "der" });
    const { payload } = z.object({ payload: z.looseObject({}) }).parse(JSON.parse(String(bytes)));
    const asked = Object.entries(this.#challenge).filter(
      ([key]) => !key.startsWith("deviceIdentity"),
    );
    const same = asked.every(([key, value]) => payload[key] === value);
    if (!good || !same) throw new Error("the proof does not hold");
  }
}

const waiting = { status: "waiting", expiresInMs: 60_000 };

const answer = (status: number, body: object): { status: number; text(): Promise<string> } => ({
  status,
  text: () => Promise.resolve(JSON.stringify(body)),
});
