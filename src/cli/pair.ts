import { numberOf, textOf } from "./answer.ts";
import { withHost } from "./control-client.ts";
import { homes } from "./homes.ts";
import { pairingText } from "./pairing-text.ts";
import type { Setting } from "./program.ts";

/** Prints a pairing link; on a terminal with a QR code and its deadline, otherwise the bare link on one line. */
export async function pair({ outside, version }: Setting, role: string): Promise<void> {
  const offer = await withHost(outside, homes(outside.env), version, (control) =>
    control.call("farhelm/pair/offer", { role }),
  );
  const link = { url: textOf(offer, "url"), expiresAtMs: numberOf(offer, "expiresAtMs") };
  outside.stdout.write(outside.stdout.isTTY === true ? pairingText(link, true) : `${link.url}\n`);
}
