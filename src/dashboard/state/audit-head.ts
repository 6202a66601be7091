/** What this browser keeps of the host's audit log: its newest head, which shows later that nothing was cut off. */
import type { Requests } from "../../client/host-api.ts";

export type AuditHead = Requests["farhelm/audit/head"]["result"];

/** Why the host's log cannot be the one whose head was kept; null when it can. */
export function headFault(kept: AuditHead, given: AuditHead): string | null {
  if (kept.publicKey.kid !== given.publicKey.kid) {
    return "The host signs its audit log with another key than before. Unless somebody made it anew on purpose, check it on the host with `npx farhelm audit verify --head` and the head that this browser kept.";
  }
  const isShorter =
    given.sequence < kept.sequence ||
    (given.sequence === kept.sequence && given.hash !== kept.hash);
  return isShorter
    ? `The host's audit log was cut or written anew: it ends with line ${given.sequence}, and this browser has seen line ${kept.sequence}. Check it on the host with \`npx farhelm audit verify --head\` and the head that this browser kept.`
    : null;
}
