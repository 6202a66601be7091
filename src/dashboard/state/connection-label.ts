import type { ConnectionState } from "../../client/connection-state.ts";
import { unreachable } from "../../util/unreachable.ts";

export interface ConnectionLabel {
  readonly tone: "good" | "busy" | "bad";
  readonly text: string;
}

export function connectionLabel(state: ConnectionState, nowMs: number): ConnectionLabel {
  switch (state.kind) {
    case "connected":
      return { tone: "good", text: "Connected" };
    case "attempting":
      return { tone: "busy", text: state.attempt > 1 ? "Reconnecting…" : "Connecting…" };
    case "waiting": {
      const seconds = Math.max(1, Math.ceil((state.retryAtMs - nowMs) / 1000));
      return { tone: "busy", text: `Reconnecting in ${seconds} s` };
    }
    case "offline":
      return { tone: "bad", text: "Offline" };
    case "stopped":
      return { tone: "bad", text: "Disconnected" };
    case "signedOut":
      return { tone: "bad", text: "Signed out" };
    default:
      return unreachable(state);
  }
}

/** The same without the seconds: what is worth saying aloud. */
export function connectionWord(state: ConnectionState): string {
  if (state.kind === "connected") return "Connected";
  if (state.kind === "offline") return "Offline";
  return state.kind === "waiting" ? "Connection lost, reconnecting" : "";
}
