import { useEffect, useMemo, useState } from "react";
import type { DeviceList, Offer } from "../host/device-actions.ts";
import { decidePairing, listDevices } from "../host/device-actions.ts";
import { useDashboard } from "../host/store.ts";
import { openLinks, waitingPairings } from "../state/pairings.ts";
import { Countdown } from "./countdown.tsx";
import { DeviceRow } from "./device-row.tsx";
import { Modal } from "./modal.tsx";
import { PairingOffer } from "./pairing-offer.tsx";
import { PairingRequest } from "./pairing-request.tsx";

/** Who may come in: devices that wait, a new one, and all that are in. */
export function DevicesDialog({ onClose }: { readonly onClose: () => void }) {
  const pairings = useDashboard((state) => state.host.pairings);
  const [offer, setOffer] = useState<Offer>();
  const [list, setList] = useState<DeviceList | { readonly error: string }>();
  const waiting = useMemo(() => waitingPairings(pairings), [pairings]);
  const links = useMemo(() => openLinks(pairings, offer?.id), [pairings, offer]);
  const refresh = async (): Promise<void> => setList(await listDevices());
  useEffect(() => void refresh(), [pairings]);
  return (
    <Modal title="Devices" onClose={onClose}>
      <div className="devices stack">
        {waiting.map((pairing) => (
          <PairingRequest key={pairing.id} pairing={pairing} />
        ))}
        <section className="stack" aria-labelledby="add-device">
          <h3 id="add-device">Add a device</h3>
          <PairingOffer offer={offer} onOffer={setOffer} />
          {links.map(({ id, role, expiresAtMs }) => (
            <p className="open-link" key={id}>
              <span>
                Another link for {role} is open: <Countdown untilMs={expiresAtMs} />
              </span>
              <button
                type="button"
                className="ghost"
                onClick={() => void decidePairing("cancel", id)}
              >
                Take back
              </button>
            </p>
          ))}
        </section>
        <section className="stack" aria-labelledby="paired-devices">
          <h3 id="paired-devices">Devices and tokens</h3>
          {list !== undefined && "error" in list && (
            <p className="refusal" role="alert">
              {list.error}
            </p>
          )}
          <ul className="device-list" aria-busy={list === undefined}>
            {list !== undefined &&
              "devices" in list &&
              list.devices.map((device) => (
                <DeviceRow
                  key={device.id}
                  device={device}
                  own={device.id === list.own}
                  onRevoked={() => void refresh()}
                />
              ))}
          </ul>
        </section>
      </div>
    </Modal>
  );
}
