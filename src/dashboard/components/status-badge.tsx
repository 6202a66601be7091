import type { Badge } from "../state/thread-list.ts";
import { badgeText } from "../state/thread-list.ts";

export function StatusBadge({ badge }: { readonly badge: Badge }) {
  return (
    <span className={`badge badge-${badge}`}>
      <span className="dot" />
      {badgeText[badge]}
    </span>
  );
}
