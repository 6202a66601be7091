/** The keys that sign agent identities, fetched when one is to be verified. */
import { untrustedKid } from "../crypto/agent-identity-token.ts";
import { keySet } from "../crypto/key-set.ts";
import type { KeySource } from "../crypto/key-set.ts";
import { isRecord } from "../util/is-record.ts";
import { LoginError } from "./login-error.ts";
import { smallRequest } from "./small-request.ts";

const TIMEOUT_MS = 10_000;
const TRY_LATER =
  "Check chatgpt_base_url in config.toml and the way to it; the next turn tries again.";

/** The one key named `kid`, if it is published. Rejects with an error that says why there is none. */
export async function fetchAgentIdentityKeys(
  url: string,
  kid: string,
  signal: AbortSignal,
): Promise<KeySource> {
  const answer = await smallRequest({ url, timeoutMs: TIMEOUT_MS, signal }).catch(
    (error: unknown) => {
      signal.throwIfAborted();
      const why = error instanceof Error ? error.message : "the connection failed";
      throw new LoginError(`failed to request agent identity JWKS from ${url}: ${why}`, TRY_LATER, {
        cause: error,
      });
    },
  );
  if (answer.status !== 200)
    throw new LoginError(
      `agent identity JWKS endpoint returned an error: ${answer.status} from ${url}`,
      TRY_LATER,
    );
  const named = publishedKeys(answer.text, url).filter((key) => key["kid"] === kid);
  try {
    return await keySet(named);
  } catch (error) {
    throw untrustedKid(kid, error instanceof Error ? error.message : undefined);
  }
}

function publishedKeys(text: string, url: string): readonly Readonly<Record<string, unknown>>[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    content = undefined;
  }
  const keys = isRecord(content) ? content["keys"] : undefined;
  if (Array.isArray(keys)) return keys.filter(isRecord);
  throw new LoginError(`failed to decode agent identity JWKS from ${url}`, TRY_LATER);
}
