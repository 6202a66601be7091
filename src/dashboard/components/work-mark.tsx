import type { WorkStatus } from "../../protocol/item.ts";
import { Icon } from "./icon.tsx";

/** How a command or change stands: a sign, and the word for those who do not see it. */
export function WorkMark(props: { readonly status: WorkStatus; readonly failed: boolean }) {
  const { status, failed } = props;
  if (status === "inProgress") {
    return (
      <span className="mark mark-running">
        <span className="spinner" />
        <span className="sr-only">In progress</span>
      </span>
    );
  }
  const bad = status !== "completed" || failed;
  const word = status === "declined" ? "Declined" : bad ? "Failed" : "Done";
  return (
    <span className={bad ? "mark mark-bad" : "mark mark-good"}>
      <Icon name={bad ? "cross" : "check"} />
      <span className={word === "Done" ? "sr-only" : "mark-word"}>{word}</span>
    </span>
  );
}
