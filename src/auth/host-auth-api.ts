/** The calls under `/auth/`: each body is read by its schema, each answer follows it. */
import {
  ConnectFinish,
  ConnectStart,
  PairFinish,
  PairStart,
  TokenFinish,
  TokenStart,
} from "../protocol/auth-api.ts";
import type { Connection } from "./connection.ts";
import type { HostTokens } from "./host-tokens.ts";
import type { PairedDevice, Pairing } from "./pairing.ts";
import type { AuthApi, RequestFacts } from "./port.ts";
import { refusal, slowDown } from "./refusals.ts";
import type { Renewal } from "./renewal.ts";
import type { TokenBuckets } from "./token-buckets.ts";

interface Parts {
  readonly tokens: HostTokens;
  readonly pairing: Pairing;
  readonly renewal: Renewal;
  readonly connection: Connection;
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

  async call(
    path: string,
    body: unknown,
    facts: RequestFacts,
    bearer: string | undefined,
  ): Promise<unknown> {
    const { pairing, renewal, connection } = this.#parts;
    switch (path) {
      case PairStart.path:
        this.#limit(facts);
        return pairing.start(read(PairStart.request, body), facts);
      case PairFinish.path:
        return this.#pairFinish(body, facts);
      case TokenStart.path:
        this.#limit(facts);
        return renewal.start(read(TokenStart.request, body).clientId, facts);
      case TokenFinish.path:
        return this.#tokenFinish(body, facts);
      case ConnectStart.path:
        read(ConnectStart.request, body);
        return connection.start(bearer, facts);
      case ConnectFinish.path:
        return connection.finish(bearer, read(ConnectFinish.request, body), facts);
      default:
        throw refusal("not_found");
    }
  }

  jwks(): { readonly keys: readonly object[] } {
    return this.#parts.tokens.jwks();
  }

  async #pairFinish(body: unknown, facts: RequestFacts): Promise<unknown> {
    const { pairing, tokens, enroll } = this.#parts;
    const device = pairing.finish(read(PairFinish.request, body), facts, enroll);
    const issued = await tokens.issueDevice(device.id, device.key.thumbprint);
    return { ...issued, role: device.role, clientId: device.id };
  }

  async #tokenFinish(body: unknown, facts: RequestFacts): Promise<unknown> {
    const device = this.#parts.renewal.finish(read(TokenFinish.request, body), facts);
    const issued = await this.#parts.tokens.issueDevice(device.id, device.key.thumbprint);
    return { ...issued, role: device.role };
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
