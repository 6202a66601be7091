import { memo } from "react";
import type { TurnView } from "../state/host-view.ts";
import { ErrorCard } from "./error-card.tsx";
import { ItemBlock } from "./item-block.tsx";
import { PlanCard } from "./plan-card.tsx";

export const TurnBlock = memo(function TurnBlock({ turn }: { readonly turn: TurnView }) {
  const running = turn.status === "inProgress";
  const last = turn.items.at(-1);
  const silent = running && (last === undefined || last.done) && turn.retrying === null;
  return (
    <article className="turn" aria-label="Turn">
      {turn.items.map(({ item, done }) => (
        <ItemBlock key={item.id} item={item} done={done} />
      ))}
      {turn.plan !== null && <PlanCard plan={turn.plan} />}
      {turn.retrying !== null && <ErrorCard error={turn.retrying} retrying />}
      {turn.error !== null && <ErrorCard error={turn.error} retrying={false} />}
      {turn.status === "interrupted" && <p className="quiet-note">Stopped.</p>}
      {silent && (
        <p className="working">
          <span className="pulse" /> Working…
        </p>
      )}
    </article>
  );
});
