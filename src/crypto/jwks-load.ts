/** Fetches or reads somebody else's JWKS, within limits. Nothing but the configured place is ever asked. */
import { open } from "node:fs/promises";
import { limitedBody } from "../util/limited-body.ts";
import { KeySetError, usableKeys, type VerificationKey } from "./key-set.ts";
import { isJsonObject, parseStrictObject } from "./strict-json.ts";

/** Connection, header and body together. */
const fetchTimeoutMs = 5_000;
/** After decompression; some hundred RSA keys. */
const maxSetBytes = 256 * 1024;
/** Issuers have a few keys; each costs an import. */
const maxKeys = 100;

export interface LoadedKeys {
  readonly keys: ReadonlyMap<string, VerificationKey>;
  /** What the answer said of its own age (`max-age`); undefined: nothing. */
  readonly maxAgeMs: number | undefined;
}

/** Rejects with `KeySetError`, whose text says what went wrong and holds nothing of the answer. */
export type LoadKeys = () => Promise<LoadedKeys>;

/** `url`: https, or http on loopback; whoever reads the configuration has checked that. */
export const keysFromUrl =
  (url: string, timeoutMs = fetchTimeoutMs): LoadKeys =>
  async () => {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const { status, headers, body } = await fetch(url, {
        // An answer that sends us elsewhere is a refusal: another host is never asked.
        redirect: "manual",
        headers: { accept: "application/jwk-set+json, application/json" },
        signal,
      });
      if (status !== 200) {
        await body?.cancel();
        throw new KeySetError(`the server answered with status ${status}`);
      }
      const bytes = await limitedBody(body ?? new ReadableStream(), maxSetBytes);
      if (bytes === undefined) throw tooLarge();
      return { keys: await parseKeys(bytes), maxAgeMs: maxAgeMs(headers.get("cache-control")) };
    } catch (error) {
      if (error instanceof KeySetError) throw error;
      if (signal.aborted) throw new KeySetError(`there was no whole answer within ${timeoutMs} ms`);
      throw new KeySetError(`the server could not be asked (${networkCode(error)})`);
    }
  };

export const keysFromFile =
  (path: string): LoadKeys =>
  async () => {
    try {
      const file = await open(path);
      try {
        if (!(await file.stat()).isFile()) throw new KeySetError("it is not a file");
        const bytes = Buffer.alloc(maxSetBytes + 1);
        const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
        if (bytesRead > maxSetBytes) throw tooLarge();
        return { keys: await parseKeys(bytes.subarray(0, bytesRead)), maxAgeMs: undefined };
      } finally {
        await file.close();
      }
    } catch (error) {
      if (error instanceof KeySetError) throw error;
      throw new KeySetError(`the file could not be read (${networkCode(error)})`);
    }
  };

async function parseKeys(bytes: Uint8Array): Promise<ReadonlyMap<string, VerificationKey>> {
  const keys = parseStrictObject(bytes)?.["keys"];
  if (!Array.isArray(keys)) throw new KeySetError("it is no JSON Web Key Set");
  if (keys.length > maxKeys) throw new KeySetError(`it has more than ${maxKeys} keys`);
  return usableKeys(keys.filter(isJsonObject));
}

function maxAgeMs(cacheControl: string | null): number | undefined {
  if (cacheControl === null) return undefined;
  if (/\bno-(?:store|cache)\b/i.test(cacheControl)) return 0;
  const seconds = /\bmax-age\s*=\s*"?(\d{1,9})\b/i.exec(cacheControl)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

const tooLarge = (): KeySetError => new KeySetError(`it is larger than ${maxSetBytes} bytes`);

/** A system error's code, which `fetch` wraps; never a text, which may hold anything. */
function networkCode(error: unknown): string {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ("code" in current && typeof current.code === "string") return current.code;
  }
  return "no code";
}
