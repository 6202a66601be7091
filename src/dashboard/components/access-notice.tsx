import { useDashboard } from "../host/store.ts";
import { endingSentence } from "../state/ending-sentence.ts";

/** Says beforehand that this browser's access ends by itself. */
export function AccessNotice() {
  const ending = useDashboard((state) => state.host.ending);
  if (ending === null) return null;
  return (
    <p className="access-notice" role="status">
      {endingSentence(ending)}
    </p>
  );
}
