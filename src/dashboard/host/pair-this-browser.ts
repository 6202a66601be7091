import type { HttpPost } from "../../client/auth-calls.ts";
import { Unreachable } from "../../client/auth-calls.ts";
import type { PairingOptions } from "../../client/pairing.ts";
import { pairDevice } from "../../client/pairing.ts";
import type { SignedOutReason } from "../../client/refused.ts";
import { Refused } from "../../client/refused.ts";
import type { PairingEntry } from "../state/pairing-entry.ts";
import { keyStore } from "./session.ts";

/** Null when this browser is paired; else why not and what to do. */
export async function pairThisBrowser(
  entry: PairingEntry,
  deviceName: string,
  told: Pick<PairingOptions, "onStep" | "onWait">,
): Promise<SignedOutReason | null> {
  if (!isSecureContext) return insecure();
  try {
    const { origin } = location;
    await pairDevice({ origin, post, keyStore, deviceName, ...entry, ...told });
    return null;
  } catch (error) {
    return refusalOf(error);
  }
}

const post: HttpPost = (url, init) => fetch(url, init);

/** Browsers make keys only on https and on this machine's own names. */
const insecure = (): SignedOutReason => ({
  code: "insecure_page",
  message: `This page came over a connection that is not secure (${location.origin}), so the browser makes no keys for it.`,
  nextStep:
    "Open the host over https: start it with `npm start -- --lan`, or put it behind a TLS proxy.",
});

function refusalOf(error: unknown): SignedOutReason {
  if (error instanceof Refused) return error.reason;
  if (error instanceof Unreachable) {
    return {
      code: "unreachable",
      message: error.message,
      nextStep: "Check that the host still runs (`npm start`), then try again.",
    };
  }
  return {
    code: "storage_failed",
    message: "This browser cannot make or keep a key.",
    nextStep: "Leave private browsing, allow this page to store data, and try again.",
  };
}
