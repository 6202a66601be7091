import { renderUnicodeCompact } from "uqr";
import type { PairingLink } from "./host.ts";

/** What a person reads who wants to add a device: the link, its deadline, and as a QR code for phones. */
export function pairingText({ url, expiresAtMs }: PairingLink, withCode: boolean): string {
  const minutes = Math.max(1, Math.round((expiresAtMs - Date.now()) / 60_000));
  const until = new Date(expiresAtMs).toLocaleTimeString();
  return [
    "",
    "Open this link on the device that shall drive the agent:",
    "",
    `  ${url}`,
    "",
    ...(withCode ? [renderUnicodeCompact(url, { border: 2 }), ""] : []),
    `It works once, until ${until} (${minutes} min). For another: npx farhelm pair`,
    "",
  ].join("\n");
}
