/** Strict base64: each byte string has exactly one accepted text, so no two texts mean the same bytes. */

/** Standard alphabet with padding (RFC 4648, section 4); undefined for anything that is not canonical. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

/** URL-safe alphabet without padding (RFC 4648, section 5); undefined for anything that is not canonical. */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}
