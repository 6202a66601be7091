import { sendMessage } from "../host/actions.ts";
import { useDashboard } from "../host/store.ts";
import { mayOperate } from "../state/role-rights.ts";
import { Suggestions } from "./suggestions.tsx";

export function LogEmpty({ threadId }: { readonly threadId: string }) {
  const operator = useDashboard((state) => mayOperate(state.role));
  return (
    <div className="log-empty">
      <h2>Nothing was said here yet</h2>
      <p>{operator ? "Write below what the agent should do, or begin with one of these." : null}</p>
      {operator && <Suggestions onChoose={(text) => void sendMessage(threadId, text)} />}
    </div>
  );
}
