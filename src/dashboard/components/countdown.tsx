import { useEffect, useState } from "react";
import { countdown } from "../state/pairing-entry.ts";

const tickMs = 500;

/** The time that is left, `4:05`. Not read aloud each second; who asks hears it. */
export function Countdown({ untilMs }: { readonly untilMs: number }) {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), tickMs);
    return () => clearInterval(timer);
  }, []);
  return (
    <span role="timer" aria-live="off" className="countdown">
      {countdown(untilMs, nowMs)}
    </span>
  );
}
