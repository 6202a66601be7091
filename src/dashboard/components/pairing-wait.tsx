import { useEffect, useRef } from "react";
import type { PairingWait as Wait } from "../../client/pairing.ts";
import { Countdown } from "./countdown.tsx";
import { PairingWords } from "./pairing-words.tsx";

/** The key is proved; somebody who is in already has to let this device in. */
export function PairingWait({ wait, name }: { readonly wait: Wait; readonly name: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section className="stack" aria-labelledby="pairing-wait">
      <h2 id="pairing-wait" ref={heading} tabIndex={-1}>
        Compare these words
      </h2>
      <div aria-live="polite">
        <PairingWords words={wait.words} />
      </div>
      <p>
        An admin has to let <strong>{name}</strong> in: in the terminal where{" "}
        <code>npx farhelm pair</code> waits, or under <strong>Devices</strong> on a device that is
        paired. Say yes there only if exactly these words stand there.
      </p>
      <p className="pairing-deadline">
        Waiting to be confirmed <Countdown untilMs={wait.untilMs} />
      </p>
    </section>
  );
}
