import { createHash } from "node:crypto";

/** How many tokens are remembered; a host's clients are fewer. */
const maxTokens = 1024;

/**
 * Tokens whose signature held under a key. A client that comes again with the same token costs a
 * hash instead of a signature check; its claims, times and the key's trust are still checked each time.
 */
export class VerifiedSignatures {
  readonly #keys = new Map<string, object>();

  /** Whether exactly this token was verified with exactly this key. */
  has(token: string, key: object): boolean {
    return this.#keys.get(digestOf(token)) === key;
  }

  /** The oldest gives way when there are too many. */
  add(token: string, key: object): void {
    const [oldest] = this.#keys.keys();
    if (this.#keys.size >= maxTokens && oldest !== undefined) this.#keys.delete(oldest);
    this.#keys.set(digestOf(token), key);
  }

  drop(token: string): void {
    this.#keys.delete(digestOf(token));
  }
}

const digestOf = (token: string): string => createHash("sha256").update(token).digest("base64url");
