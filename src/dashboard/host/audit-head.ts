/** Keeps the newest head of the host's audit log over reloads, and says when the log is not the same any more. */
import type { FarhelmClient } from "../../client/farhelm-client.ts";
import type { AuditHead } from "../state/audit-head.ts";
import { headFault } from "../state/audit-head.ts";
import { useDashboard } from "./store.ts";

const storageKey = "farhelm.audit-head";

/** A head that proves something against the host is not written over. */
export async function keepAuditHead(client: Pick<FarhelmClient, "call">): Promise<void> {
  try {
    const given = await client.call("farhelm/audit/head", {});
    const before = keptHead();
    const fault = before && headFault(before, given);
    if (fault === null) localStorage.setItem(storageKey, JSON.stringify(given));
    useDashboard.setState({ audit: { kept: keptHead(), fault } });
  } catch {
    // A connection that is lost asks again; without storage there is nothing to compare.
  }
}

function keptHead(): AuditHead | null {
  const text = localStorage.getItem(storageKey);
  const head: AuditHead | null = text === null ? null : JSON.parse(text);
  return head;
}
