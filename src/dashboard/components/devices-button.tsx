import { useMemo } from "react";
import { openDevices } from "../host/session.ts";
import { useDashboard } from "../host/store.ts";
import { waitingPairings } from "../state/pairings.ts";
import { mayAdminister } from "../state/role-rights.ts";
import { Icon } from "./icon.tsx";

/** For admins: the way to the devices, with how many wait at the door. */
export function DevicesButton() {
  const role = useDashboard((state) => state.role);
  const pairings = useDashboard((state) => state.host.pairings);
  const waiting = useMemo(() => waitingPairings(pairings).length, [pairings]);
  if (!mayAdminister(role)) return null;
  return (
    <button type="button" className="ghost devices-button" onClick={() => openDevices(true)}>
      <Icon name="device" />
      Devices
      {waiting > 0 && <span className="badge badge-waiting">{waiting} waiting</span>}
    </button>
  );
}
