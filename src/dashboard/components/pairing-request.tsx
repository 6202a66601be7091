import { useState } from "react";
import { decidePairing } from "../host/device-actions.ts";
import type { WaitingPairing } from "../state/pairings.ts";
import { lifetimeText } from "../state/pairings.ts";
import { Countdown } from "./countdown.tsx";
import { PairingWords } from "./pairing-words.tsx";

/** A device that waits to be let in, with all that tells it from another. */
export function PairingRequest({ pairing }: { readonly pairing: WaitingPairing }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const { id, request, role, deviceTtlMs, expiresAtMs } = pairing;
  const decide = async (verb: "confirm" | "refuse"): Promise<void> => {
    setBusy(true);
    setError(await decidePairing(verb, id));
    setBusy(false);
  };
  return (
    <section className="pairing-request stack" aria-label={`${request.deviceName} wants in`}>
      <h3>
        {request.deviceName} wants in <Countdown untilMs={expiresAtMs} />
      </h3>
      <PairingWords words={request.words ?? []} />
      <dl className="facts">
        <dt>Address</dt>
        <dd>
          {request.address}, by {request.way}
        </dd>
        <dt>Key</dt>
        <dd>
          <code>{request.fingerprint}</code>
        </dd>
        <dt>Role</dt>
        <dd>
          {role}, {lifetimeText(deviceTtlMs)}
        </dd>
      </dl>
      <p>
        Let it in only if it is yours and shows exactly these words. If it is not, refuse it: its
        link is used up then, and your own device needs a new one.
      </p>
      {error !== null && (
        <p className="refusal" role="alert">
          {error}
        </p>
      )}
      <div className="actions">
        <button
          type="button"
          className="button primary"
          disabled={busy}
          onClick={() => void decide("confirm")}
        >
          The words match, let it in
        </button>
        <button
          type="button"
          className="button danger"
          disabled={busy}
          onClick={() => void decide("refuse")}
        >
          Refuse
        </button>
      </div>
    </section>
  );
}
