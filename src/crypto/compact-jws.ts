/** The syntax of a compact JWS, checked before any library sees the text. */
import { decodeBase64url } from "./base64.ts";
import { parseStrictObject, type JsonObject } from "./strict-json.ts";

/** Own tokens are below 1 KiB; others carry more claims. */
const maxTokenBytes = 8192;

/** What the text says of itself. Nothing in it is verified. */
interface UnverifiedJws {
  readonly header: JsonObject;
  readonly payload: Uint8Array;
}

interface UnverifiedToken {
  readonly header: JsonObject;
  readonly claims: JsonObject;
}

const compactForm = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** Undefined unless the text is three canonical base64url parts of which the first is a JSON object. */
export function readCompactJws(text: string): UnverifiedJws | undefined {
  if (text.length > maxTokenBytes || !compactForm.test(text)) return undefined;
  const [first, payload, signature] = text.split(".").map(decodeBase64url);
  if (first === undefined || payload === undefined || signature === undefined) return undefined;
  const header = parseStrictObject(first);
  return header === undefined ? undefined : { header, payload };
}

/** The same for a JWT: the payload, too, is a JSON object. */
export function readCompactToken(token: string): UnverifiedToken | undefined {
  const read = readCompactJws(token);
  const claims = read === undefined ? undefined : parseStrictObject(read.payload);
  return read === undefined || claims === undefined ? undefined : { header: read.header, claims };
}
