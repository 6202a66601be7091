import { useMemo } from "react";
import { useDashboard } from "../host/store.ts";
import { approvalsOf } from "../state/approvals.ts";
import { ApprovalCard } from "./approval-card.tsx";

/** The oldest question of this thread, always in reach; the rest come after it. */
export function ApprovalDock({ threadId }: { readonly threadId: string }) {
  const host = useDashboard((state) => state.host);
  const waiting = useMemo(() => approvalsOf(host, threadId), [host, threadId]);
  const first = waiting[0];
  if (first === undefined) return null;
  return <ApprovalCard key={first.id} approval={first} total={waiting.length} />;
}
