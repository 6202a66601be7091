import { lazy, Suspense, useMemo } from "react";
import { openDevices } from "../host/session.ts";
import { useDashboard } from "../host/store.ts";
import { waitingPairings } from "../state/pairings.ts";

/** Loaded when it is wanted: few visits need it. */
const DevicesDialog = lazy(async () => {
  const { DevicesDialog: dialog } = await import("./devices-dialog.tsx");
  return { default: dialog };
});

/** Whatever is open: that a device wants in, and the dialog about devices. */
export function Door() {
  const open = useDashboard((state) => state.devicesOpen);
  const pairings = useDashboard((state) => state.host.pairings);
  const [first] = useMemo(() => waitingPairings(pairings), [pairings]);
  if (open) {
    return (
      <Suspense>
        <DevicesDialog onClose={() => openDevices(false)} />
      </Suspense>
    );
  }
  if (first === undefined) return null;
  return (
    <div className="pairing-notice" role="status">
      <p>
        <strong>{first.request.deviceName}</strong> wants in
      </p>
      <button type="button" className="button primary" onClick={() => openDevices(true)}>
        Look
      </button>
    </div>
  );
}
