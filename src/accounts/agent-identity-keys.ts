/** The keys that sign agent identities, fetched when one is to be verified; nothing of them is kept. */
import { keysFromUrl } from "../crypto/jwks-load.ts";
import { KeySetError } from "../crypto/key-set.ts";
import type { KeySource } from "../crypto/key-set.ts";
import { LoginError } from "./login-error.ts";

const TIMEOUT_MS = 10_000;

/** Rejects with `LoginError`. */
export async function fetchAgentIdentityKeys(url: string): Promise<KeySource> {
  try {
    const { keys } = await keysFromUrl(url, TIMEOUT_MS)();
    return { find: async (kid) => keys.get(kid) };
  } catch (error) {
    if (!(error instanceof KeySetError)) throw error;
    throw new LoginError(
      `failed to request agent identity JWKS from ${url}: ${error.message}`,
      "Check chatgpt_base_url in config.toml and the way to it; the next turn tries again.",
      { cause: error },
    );
  }
}
