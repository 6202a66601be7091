/** Whether a compact JWS was signed by a trusted key. What it says, and to whom, is for others to judge. */
import { compactVerify } from "jose";
import type { KeySource, SignatureAlgorithm, VerificationKey } from "./key-set.ts";
import type { JsonObject } from "./strict-json.ts";
import { VerifiedSignatures } from "./verified-signatures.ts";

export interface TrustedKeys {
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly keys: KeySource;
}

/** Headers that point at keys or change what is signed. */
const refusedHeaders = ["jku", "jwk", "x5u", "x5c", "b64", "crit"];
const maxKidLength = 128;

export class JwsVerifier {
  readonly #verified = new VerifiedSignatures();

  /**
   * The key that signed `text`, of which `header` was read by `readCompactJws`. Undefined when none of
   * `trusted` did. Throws `KeysUnavailable`.
   */
  async signer(
    text: string,
    header: JsonObject,
    trusted: TrustedKeys,
  ): Promise<VerificationKey | undefined> {
    const key = await namedKey(header, trusted);
    if (key === undefined || this.#verified.has(text, key)) return key;
    try {
      await compactVerify(text, key.key, { algorithms: [key.algorithm] });
    } catch {
      return undefined;
    }
    this.#verified.add(text, key);
    return key;
  }

  /** The next look at this text costs a signature check again: how long it takes then says nothing of the first. */
  forget(text: string): void {
    this.#verified.drop(text);
  }
}

/** The key that the header names, if it is one of the issuer's and of the algorithm that it claims. */
async function namedKey(
  header: JsonObject,
  { keys, algorithms }: TrustedKeys,
): Promise<VerificationKey | undefined> {
  const { kid, alg } = header;
  if (refusedHeaders.some((name) => Object.hasOwn(header, name))) return undefined;
  if (typeof kid !== "string" || kid === "" || kid.length > maxKidLength) return undefined;
  if (!algorithms.some((algorithm) => algorithm === alg)) return undefined;
  const found = await keys.find(kid);
  return found?.algorithm === alg ? found : undefined;
}
