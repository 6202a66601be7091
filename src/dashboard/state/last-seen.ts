/** What the cards say while the page is cut off from the host: since when, and why. */
import type { ConnectionState } from "../../client/connection-state.ts";
import { unreachable } from "../../util/unreachable.ts";

/** The connection was lost: what is shown is as it was then. */
export interface CutOff {
  /** When the host was heard last, Unix milliseconds; null before the first connection. */
  readonly seenAtMs: number | null;
  /** Why, as a sentence. */
  readonly why: string;
}

/** Undefined while the page is connected, and before its first attempt has failed. */
export function cutOffBy(
  connection: ConnectionState,
  before: CutOff | undefined,
  seenAtMs: number | null,
): CutOff | undefined {
  switch (connection.kind) {
    case "waiting":
      return { seenAtMs, why: connection.reason };
    case "offline":
      return { seenAtMs, why: "This device is offline." };
    case "signedOut":
      return { seenAtMs, why: connection.reason.message };
    // The reason of the loss stands until it is mended.
    case "attempting":
      return before;
    case "connected":
    case "stopped":
      return undefined;
    default:
      return unreachable(connection);
  }
}

/** The time of day within the last day, the date too before that. */
export function seenText(seenAtMs: number, nowMs: number): string {
  const seen = new Date(seenAtMs);
  const time = seen.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return nowMs - seenAtMs < 86_400_000 ? time : `${seen.toLocaleDateString()} ${time}`;
}
