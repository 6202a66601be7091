/** The syntax of a compact JWS, checked before any library sees the token. */
import { decodeBase64url } from "./base64.ts";
import { parseStrictObject, type JsonObject } from "./strict-json.ts";

/** Own tokens are below 1 KiB; others carry more claims. */
const maxTokenBytes = 8192;

/** What a token says of itself. Nothing in it is verified. */
interface UnverifiedToken {
  readonly header: JsonObject;
  readonly claims: JsonObject;
}

const compactForm = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** Undefined unless the token is three canonical base64url parts of which the first two are JSON objects. */
export function readCompactToken(token: string): UnverifiedToken | undefined {
  if (token.length > maxTokenBytes || !compactForm.test(token)) {
    return undefined;
  }
  const [header, claims, signature] = token.split(".").map(decodeBase64url);
  if (header === undefined || claims === undefined || signature === undefined) return undefined;
  const parsedHeader = parseStrictObject(header);
  const parsedClaims = parseStrictObject(claims);
  if (parsedHeader === undefined || parsedClaims === undefined) return undefined;
  return { header: parsedHeader, claims: parsedClaims };
}
