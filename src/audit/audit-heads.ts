/** Heads: the signed word of this host that its log ends in this line. Devices keep the newest one. */
import { join } from "node:path";
import { createPrivateFile, readPrivateFile, replacePrivateFile } from "../crypto/private-file.ts";
import type { ClaimSigner, PublicKey } from "../crypto/signed-claims.ts";
import { readClaimSigner, verifiedClaims } from "../crypto/signed-claims.ts";
import { newSigningKeyText } from "../crypto/signing-key.ts";
import type { ChainEnd } from "./audit-line.ts";
import type { AuditPublicKey } from "./port.ts";

const privateName = "audit-key.json";
export const publicName = "public-key.json";
/** `typ` of a head. */
export const headType = "farhelm-audit-head+jws";

/** Reads the log's key, or makes it (0600), and puts its public half beside the log. Rejects with what to do. */
export async function loadAuditKey(farhelmHome: string, folder: string): Promise<ClaimSigner> {
  const path = join(farhelmHome, privateName);
  try {
    const text = readPrivateFile(path) ?? createPrivateFile(path, await newSigningKeyText());
    const signer = await readClaimSigner(text);
    keepPublicKey(join(folder, publicName), `${JSON.stringify(publicJwk(signer.key))}\n`);
    return signer;
  } catch (error) {
    const why = error instanceof Error ? error.message : "unknown error";
    throw new Error(
      `The key of the audit log ${path} cannot be used: ${why}. Restore the file or its permissions; ` +
        "if it is lost, move it and the folder audit away and start again: the log begins anew then.",
      { cause: error },
    );
  }
}

function keepPublicKey(path: string, text: string): void {
  if (readPrivateFile(path) !== text) replacePrivateFile(path, text);
}

export const publicJwk = ({ kid, x, y }: PublicKey): AuditPublicKey => ({
  kty: "EC",
  crv: "P-256",
  x,
  y,
  kid,
  alg: "ES256",
  use: "sig",
});

export const signHead = (signer: ClaimSigner, { sequence, hash }: ChainEnd): string =>
  signer.sign(headType, { sequence, hash });

/** What a head says, if one of the keys signed it. */
export function verifiedHead(head: string, keys: readonly PublicKey[]): ChainEnd | undefined {
  const claims = verifiedClaims(head, headType, keys);
  const { sequence, hash } = claims ?? {};
  return typeof sequence === "number" && typeof hash === "string" ? { sequence, hash } : undefined;
}
