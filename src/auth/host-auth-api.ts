/** The calls under `/auth/`: each body is read by its schema, each answer follows it. */
import {
  ConnectFinish,
  ConnectStart,
  PairFinish,
  PairStart,
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
import type { PairedDevice, Pairing } from "./pairing.ts";
import type { AuthApi, RequestFacts } from "./port.ts";
import { refusal, slowDown } from "./refusals.ts";
import type { Renewal } from "./renewal.ts";
import type { TokenBuckets } from "./token-buckets.ts";

interface Parts {
  readonly audit: Audit;
  readonly tokens: HostTokens;
  readonly pairing: Pairing;
  readonly renewal: Renewal;
  readonly connection: Connection;
  readonly foreign: ForeignDoor;
  /** Per address, for the calls that anyone may start. */
  readonly starts: TokenBuckets;
  /** Makes the device known; runs before its first token is issued. */
  readonly enroll: (device: PairedDevice) => void;
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
    const { renewal, connection } = this.#parts;
    switch (path) {
      case PairStart.path:
        this.#limit(facts);
        return this.#pairStart(body, facts);
      case PairFinish.path:
        return this.#pairFinish(body, facts);
      case TokenStart.path:
        this.#limit(facts);
        return { answer: renewal.start(read(TokenStart.request, body).clientId, facts) };
      case TokenFinish.path:
        return this.#tokenFinish(body, facts);
      case ConnectStart.path:
        return {
          answer: await connection.start(bearer, read(ConnectStart.request, body), facts),
        };
      case ConnectFinish.path:
        return this.#connectFinish(body, facts, bearer);
      case TaskRegister.path:
        this.#limit(facts);
        return this.#parts.foreign.register(read(TaskRegistration, body), facts);
      default:
        throw refusal("not_found");
    }
  }

  #pairStart(body: unknown, facts: RequestFacts): Answered {
    const asked = read(PairStart.request, body);
    const answer = this.#parts.pairing.start(asked, facts);
    // Nobody yet: the name is what the new device says of itself.
    const who = { kind: "unknown" as const, id: answer.challenge.clientId, name: asked.deviceName };
    return { answer, who };
  }

  async #pairFinish(body: unknown, facts: RequestFacts): Promise<Answered> {
    const { pairing, tokens, enroll, audit } = this.#parts;
    if (!audit.writable) throw refusal("audit_unwritable");
    const device = pairing.finish(read(PairFinish.request, body), facts, enroll);
    const issued = await tokens.issueDevice(device.id, device.key.thumbprint);
    const { id, name, role, key } = device;
    return {
      answer: { ...issued, role, clientId: id },
      who: { kind: "device", id, name },
      about: { role, fingerprint: shortFingerprint(key.thumbprint), key: key.thumbprint },
    };
  }

  async #tokenFinish(body: unknown, facts: RequestFacts): Promise<Answered> {
    const device = this.#parts.renewal.finish(read(TokenFinish.request, body), facts);
    const issued = await this.#parts.tokens.issueDevice(device.id, device.key.thumbprint);
    return { answer: { ...issued, role: device.role }, who: device };
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

  #limit(facts: RequestFacts): void {
    const waitMs = this.#parts.starts.take(facts.address);
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
