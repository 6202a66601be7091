import type { PlanView } from "../state/host-view.ts";
import { Icon } from "./icon.tsx";

const icons = { pending: "circle", inProgress: "clock", completed: "check" } as const;
const words = { pending: "to do", inProgress: "in progress", completed: "done" } as const;

export function PlanCard({ plan }: { readonly plan: PlanView }) {
  const done = plan.plan.filter(({ status }) => status === "completed").length;
  return (
    <section className="card plan-card" aria-label="Plan">
      <header className="card-head">
        <span className="card-title">Plan</span>
        <span className="card-facts">
          {done} of {plan.plan.length} done
        </span>
      </header>
      {plan.explanation !== null && plan.explanation !== "" && <p>{plan.explanation}</p>}
      <ol>
        {plan.plan.map(({ step, status }) => (
          <li key={step} className={`step-${status}`}>
            <Icon name={icons[status]} />
            <span>{step}</span>
            <span className="sr-only">({words[status]})</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
