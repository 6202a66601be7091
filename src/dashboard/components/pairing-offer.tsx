import type { FormEvent } from "react";
import { useState } from "react";
import type { Role } from "../../protocol/principal.ts";
import type { Offer } from "../host/device-actions.ts";
import { decidePairing, offerPairing } from "../host/device-actions.ts";
import { useDashboard } from "../host/store.ts";
import { lifetimes, outcomeText } from "../state/pairings.ts";
import { CopyButton } from "./copy-button.tsx";
import { Countdown } from "./countdown.tsx";
import { QrCode } from "./qr-code.tsx";

const roleTexts: readonly (readonly [Role, string])[] = [
  ["admin", "Admin: everything, devices too"],
  ["operator", "Operator: starts and steers work"],
  ["approver", "Approver: answers questions"],
  ["viewer", "Viewer: looks on"],
];

/** Makes a pairing and shows its three ways in, until a device has come or it is over. */
export function PairingOffer(props: {
  readonly offer: Offer | undefined;
  readonly onOffer: (offer: Offer | undefined) => void;
}) {
  const { offer, onOffer } = props;
  const pairing = useDashboard((state) => state.host.pairings.get(offer?.id ?? ""));
  if (offer === undefined) return <OfferForm onOffer={onOffer} />;
  const outcome = pairing && outcomeText(pairing);
  const over = pairing !== undefined && pairing.phase !== "offered" && pairing.phase !== "locked";
  if (over) {
    return (
      <div className="stack">
        {outcome !== undefined && <p role="status">{outcome}</p>}
        {pairing.phase !== "proved" && (
          <div className="actions">
            <button type="button" className="button" onClick={() => onOffer(undefined)}>
              Add another device
            </button>
          </div>
        )}
      </div>
    );
  }
  const takeBack = async (): Promise<void> => {
    await decidePairing("cancel", offer.id);
    onOffer(undefined);
  };
  return (
    <div className="pairing-offer stack">
      <p>
        On the new device scan this, open the link, or type the code at{" "}
        <strong>{`${location.host}/pair`}</strong>. Time left:{" "}
        <Countdown untilMs={offer.expiresAtMs} />
      </p>
      <QrCode text={offer.url} label="QR code of the pairing link" />
      {pairing?.phase === "locked" ? (
        <p className="refusal" role="status">
          The code was tried too often and is dead. The link and the QR code still work.
        </p>
      ) : (
        <p className="pairing-code">
          <span className="sr-only">Code: </span>
          <code>{offer.code}</code>
        </p>
      )}
      <div className="actions">
        <CopyButton text={offer.url} label="Copy the pairing link" />
        <button type="button" className="ghost" onClick={() => void takeBack()}>
          Take back
        </button>
      </div>
    </div>
  );
}

function OfferForm({ onOffer }: { readonly onOffer: (offer: Offer) => void }) {
  const [role, setRole] = useState<Role>("operator");
  const [lifetime, setLifetime] = useState(0);
  const [error, setError] = useState<string | null>(null);
  const make = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const made = await offerPairing(role, lifetimes[lifetime]?.[0] ?? null);
    if ("error" in made) setError(made.error);
    else onOffer(made);
  };
  return (
    <form className="stack" onSubmit={(event) => void make(event)}>
      <div className="field-row">
        <label className="field">
          <span>Role</span>
          <select
            value={role}
            onChange={({ target }) =>
              setRole(roleTexts.find(([each]) => each === target.value)?.[0] ?? "viewer")
            }
          >
            {roleTexts.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>Access</span>
          <select value={lifetime} onChange={({ target }) => setLifetime(Number(target.value))}>
            {lifetimes.map(([, text], index) => (
              <option key={text} value={index}>
                {text}
              </option>
            ))}
          </select>
        </label>
      </div>
      {error !== null && (
        <p className="refusal" role="alert">
          {error}
        </p>
      )}
      <div className="actions">
        <button type="submit" className="button">
          Make a link and a code
        </button>
      </div>
    </form>
  );
}
