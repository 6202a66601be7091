import { useState } from "react";
import type { Device } from "../host/device-actions.ts";
import { revokeDevice } from "../host/device-actions.ts";

/** One device or token. To revoke takes two presses: it cannot be taken back. */
export function DeviceRow(props: {
  readonly device: Device;
  readonly own: boolean;
  onRevoked(): void;
}) {
  const { device, own } = props;
  const [sure, setSure] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const revoke = async (): Promise<void> => {
    if (!sure) {
      setSure(true);
      return;
    }
    const failed = await revokeDevice(device.id);
    setError(failed);
    setSure(false);
    if (failed === null) props.onRevoked();
  };
  return (
    <li className="device-row">
      <div>
        <p className="device-name">
          {device.name}
          {own && <span className="badge badge-running">this browser</span>}
        </p>
        <p className="fine">
          {[
            device.kind === "headless" ? `token, ${device.role}` : device.role,
            device.lastSeenAtMs === null ? "never seen" : `seen ${when(device.lastSeenAtMs)}`,
            ...(device.expiresAtMs === null ? [] : [`until ${when(device.expiresAtMs)}`]),
          ].join(" · ")}
        </p>
        {device.fingerprint !== null && (
          <p className="fine">
            <code>{device.fingerprint}</code>
          </p>
        )}
        {error !== null && (
          <p className="refusal" role="alert">
            {error}
          </p>
        )}
      </div>
      <button
        type="button"
        className="button danger"
        aria-label={sure ? `Really revoke ${device.name}` : `Revoke ${device.name}`}
        onClick={() => void revoke()}
        onBlur={() => setSure(false)}
      >
        {sure ? "Really?" : "Revoke"}
      </button>
    </li>
  );
}

const when = (atMs: number): string =>
  new Date(atMs).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
