import type { FormEvent } from "react";
import { useState } from "react";
import type { PairingStep } from "../../client/pairing.ts";
import { pairThisBrowser } from "../host/pair-this-browser.ts";
import { deviceName } from "../state/device-name.ts";
import { pairingSecret } from "../state/pairing-secret.ts";
import type { SignedOutReason } from "../../client/refused.ts";
import { NextStep } from "./next-step.tsx";
import { PairingSteps } from "./pairing-steps.tsx";
import { PlainPage } from "./plain-page.tsx";

type Progress =
  | { readonly kind: "asking" }
  | { readonly kind: "pairing"; readonly step: PairingStep }
  | { readonly kind: "refused"; readonly reason: SignedOutReason };

/** Where a pairing link leads. The secret came in the fragment, which is gone from the address by now. */
export function PairPage({ secret }: { readonly secret: string }) {
  const [progress, setProgress] = useState<Progress>({ kind: "asking" });
  const [name, setName] = useState(() => deviceName(navigator.userAgent));
  const [pasted, setPasted] = useState("");
  const busy = progress.kind === "pairing";
  const usable = secret === "" ? pairingSecret(pasted) : secret;
  const pair = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const reason = await pairThisBrowser(usable, name.trim(), (step) =>
      setProgress({ kind: "pairing", step }),
    );
    if (reason === null) location.replace("./");
    else setProgress({ kind: "refused", reason });
  };
  return (
    <PlainPage title="Pair this browser">
      <p>
        This browser gets a key of its own, which never leaves it. You can take its access away at
        any time with <code>npx farhelm devices revoke</code>.
      </p>
      <form className="stack" onSubmit={(event) => void pair(event)}>
        {secret === "" && (
          <label className="field">
            <span>Pairing link</span>
            <input
              value={pasted}
              onChange={({ target }) => setPasted(target.value)}
              autoComplete="off"
              spellCheck={false}
              placeholder="http://localhost:7420/pair#…"
              required
            />
          </label>
        )}
        <label className="field">
          <span>Name of this device</span>
          <input
            value={name}
            onChange={({ target }) => setName(target.value)}
            maxLength={80}
            autoComplete="off"
            required
          />
        </label>
        {progress.kind === "refused" && <Refusal reason={progress.reason} />}
        {busy && <PairingSteps current={progress.step} />}
        <button
          type="submit"
          className="button primary"
          disabled={busy || usable === "" || name.trim() === ""}
        >
          {busy ? "Pairing…" : progress.kind === "refused" ? "Try again" : "Pair"}
        </button>
      </form>
    </PlainPage>
  );
}

function Refusal({ reason }: { readonly reason: SignedOutReason }) {
  return (
    <div className="refusal" role="alert">
      <p>
        <strong>{reason.message}</strong>
      </p>
      <NextStep sentence={reason.nextStep} />
    </div>
  );
}
