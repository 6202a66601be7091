/**
 * `ORIGIN/pair#SECRET.HOSTFP[.CAFP]`. All that matters stands in the fragment, which browsers send
 * nowhere. A device that can pin does: the host's key by HOSTFP, its development CA by CAFP.
 */

export interface PairingLink {
  readonly secret: string;
  /** RFC 7638 thumbprint of the host's key, base64url. */
  readonly hostFingerprint: string | undefined;
  /** SHA-256 of the development CA's DER, base64url; with `--lan` only. */
  readonly caFingerprint: string | undefined;
}

const digest = /^[\w-]{43}$/;

export const pairingUrl = (
  origin: string,
  { secret, hostFingerprint, caFingerprint }: PairingLink,
): string =>
  `${origin}/pair#${[secret, hostFingerprint, caFingerprint].filter((part) => part !== undefined).join(".")}`;

/** Reads a whole link, its fragment, or the secret alone. Undefined when it is none of them. */
export function readPairingLink(text: string): PairingLink | undefined {
  const trimmed = text.trim();
  const fragment = trimmed.slice(trimmed.lastIndexOf("#") + 1);
  const [secret = "", hostFingerprint, caFingerprint, ...more] = fragment.split(".");
  const fine =
    digest.test(secret) &&
    [hostFingerprint, caFingerprint].every((part) => part === undefined || digest.test(part)) &&
    more.length === 0;
  return fine ? { secret, hostFingerprint, caFingerprint } : undefined;
}
