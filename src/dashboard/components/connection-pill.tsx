import { useEffect, useState } from "react";
import { client } from "../host/session.ts";
import { useDashboard } from "../host/store.ts";
import { connectionLabel } from "../state/connection-label.ts";

const tickMs = 500;

export function ConnectionPill() {
  const connection = useDashboard((state) => state.connection);
  const [now, setNow] = useState(() => Date.now());
  const waiting = connection.kind === "waiting";
  useEffect(() => {
    if (!waiting) return undefined;
    const timer = setInterval(() => setNow(Date.now()), tickMs);
    return () => clearInterval(timer);
  }, [waiting]);
  const { tone, text } = connectionLabel(connection, waiting ? Math.max(now, 0) : 0);
  return (
    <span className="connection">
      <span className={`pill pill-${tone}`}>
        <span className="dot" />
        {text}
      </span>
      {(waiting || connection.kind === "offline") && (
        <button type="button" className="ghost" onClick={() => client.wake()}>
          Retry now
        </button>
      )}
    </span>
  );
}
