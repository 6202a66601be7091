/*
 * One connection.
 *
 *   open ──initialize──► initialized ──close──► closed
 *     └──────────────close──────────────────────►
 *
 * closed is final. A second initialize has no meaning.
 */
import { unreachable } from "../util/unreachable.ts";

export interface Client {
  readonly name: string;
  readonly version: string;
  /** Whether it asked for experimental methods and fields. */
  readonly experimental: boolean;
  /** Notification methods that it does not want. */
  readonly optOut: ReadonlySet<string>;
  /** Whether it counts the events of threads. */
  readonly countsEvents: boolean;
}

export type ConnectionState =
  | { readonly kind: "open" }
  | { readonly kind: "initialized"; readonly client: Client }
  | { readonly kind: "closed" };

export type ConnectionEvent =
  | { readonly kind: "initialize"; readonly client: Client }
  | { readonly kind: "close" };

/** The state after `event`, or undefined if the event has no meaning in this state. */
export function nextConnectionState(
  state: ConnectionState,
  event: ConnectionEvent,
): ConnectionState | undefined {
  switch (state.kind) {
    case "open":
      return event.kind === "close"
        ? { kind: "closed" }
        : { kind: "initialized", client: event.client };
    case "initialized":
      return event.kind === "close" ? { kind: "closed" } : undefined;
    case "closed":
      return undefined;
    default:
      return unreachable(state);
  }
}
