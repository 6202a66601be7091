import type { FormEvent } from "react";
import { useState } from "react";
import type { PairingStep, PairingWait as Wait } from "../../client/pairing.ts";
import type { SignedOutReason } from "../../client/refused.ts";
import { pairThisBrowser } from "../host/pair-this-browser.ts";
import { deviceName } from "../state/device-name.ts";
import { mayTryAgain, readPairingEntry } from "../state/pairing-entry.ts";
import { PairingLimits } from "./pairing-limits.tsx";
import { PairingRefusal } from "./pairing-refusal.tsx";
import { PairingSteps } from "./pairing-steps.tsx";
import { PairingWait } from "./pairing-wait.tsx";
import { PlainPage } from "./plain-page.tsx";

type Progress =
  | { readonly kind: "entering" }
  | { readonly kind: "pairing"; readonly step: PairingStep }
  | { readonly kind: "waiting"; readonly wait: Wait }
  | { readonly kind: "refused"; readonly reason: SignedOutReason };

/** Where a pairing link leads, and where a code is typed. The secret came in the fragment, which is gone from the address by now. */
export function PairPage({ fragment }: { readonly fragment: string }) {
  const [progress, setProgress] = useState<Progress>({ kind: "entering" });
  const [name, setName] = useState(() => deviceName(navigator.userAgent));
  const [came, setCame] = useState(fragment);
  const [typed, setTyped] = useState("");
  const busy = progress.kind === "pairing";
  const pair = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const entry = readPairingEntry(came === "" ? typed : came);
    const reason =
      entry === undefined
        ? unreadable
        : await pairThisBrowser(entry, name.trim(), {
            onStep: (step) => setProgress({ kind: "pairing", step }),
            onWait: (wait) => setProgress({ kind: "waiting", wait }),
          });
    if (reason === null) {
      location.replace("./");
      return;
    }
    setProgress({ kind: "refused", reason });
    if (!mayTryAgain(reason.code)) setCame("");
  };
  if (progress.kind === "waiting") {
    return (
      <PlainPage title="Pair this browser">
        <PairingWait wait={progress.wait} name={name.trim()} />
        <PairingLimits />
      </PlainPage>
    );
  }
  return (
    <PlainPage title="Pair this browser">
      <p>
        This browser gets a key of its own, which never leaves it. You can take its access away at
        any time.
      </p>
      <form className="stack" onSubmit={(event) => void pair(event)}>
        {progress.kind === "refused" && <PairingRefusal reason={progress.reason} />}
        {came === "" && <EntryField typed={typed} onTyped={setTyped} />}
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
        {busy && <PairingSteps current={progress.step} />}
        <button
          type="submit"
          className="button primary"
          disabled={busy || (came === "" && typed.trim() === "") || name.trim() === ""}
        >
          {busy ? "Pairing…" : progress.kind === "refused" ? "Try again" : "Pair"}
        </button>
      </form>
      <PairingLimits />
    </PlainPage>
  );
}

function EntryField(props: { readonly typed: string; onTyped(text: string): void }) {
  return (
    <div className="field">
      <label htmlFor="pairing-entry">Code or link</label>
      <input
        id="pairing-entry"
        className="pairing-entry"
        value={props.typed}
        onChange={({ target }) => props.onTyped(target.value)}
        aria-describedby="pairing-entry-help"
        autoComplete="off"
        autoCapitalize="characters"
        spellCheck={false}
        placeholder="ABCD-EFGH"
        required
      />
      <p className="fine" id="pairing-entry-help">
        <code>npx farhelm pair</code> on the host, or <strong>Devices</strong> on a paired device,
        shows a code to type, a link to open and a QR code to scan with the camera.
      </p>
    </div>
  );
}

const unreadable: SignedOutReason = {
  code: "pairing_unreadable",
  message: "This is neither a pairing code nor a pairing link.",
  nextStep:
    "A code has 8 letters and digits, without 0, 1, I and O. A link is copied whole, with all that stands after the #.",
};
