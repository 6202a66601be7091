/** The key with which this host signs its tokens, made at the first start. */
import { join } from "node:path";
import { createPrivateFile, readPrivateFile } from "../crypto/private-file.ts";
import { newSigningKeyText, readSigningKey, type SigningKey } from "../crypto/signing-key.ts";

const fileName = "issuer-key.json";

/** Reads the key of `farhelmHome`, or makes it (0600, never over an existing one). Throws with what to do. */
export async function loadIssuerKey(farhelmHome: string): Promise<SigningKey> {
  const path = join(farhelmHome, fileName);
  try {
    const text = readPrivateFile(path) ?? createPrivateFile(path, await newSigningKeyText());
    return await readSigningKey(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : "unknown error";
    throw new Error(
      `The host key ${path} cannot be used: ${why}. Restore the file or its permissions; ` +
        "if it is lost, move it away and start again: every device and token must then be made anew.",
      { cause: error },
    );
  }
}
