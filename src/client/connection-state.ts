/**
 * Whether this device is connected, and what happens next if not.
 *
 *            start              established
 *   stopped ───────▶ attempting ───────────▶ connected
 *                     │   ▲   │                  │
 *              failed │   │   │ refused          │ failed ──▶ waiting
 *                     ▼   │   ▼                  │ refused ─▶ signedOut
 *   offline ◀─────▶ waiting  signedOut ◀─────────┘
 *     networkLost     │  retryDue, wake            start (after pairing) ──▶ attempting
 *     networkBack     └──────▶ attempting
 *
 * Every state goes to `stopped` with `stop`. `signedOut` leaves only by `start`: a refusal that is
 * final is never tried again by itself.
 */
import { unreachable } from "../util/unreachable.ts";
import { retryDelayMs } from "./retry-delay.ts";
import type { SignedOutReason } from "./refused.ts";

export type ConnectionState =
  | { readonly kind: "stopped" }
  | { readonly kind: "attempting"; readonly attempt: number }
  | { readonly kind: "connected"; readonly attempt: number; readonly sinceMs: number }
  | {
      readonly kind: "waiting";
      readonly attempt: number;
      readonly retryAtMs: number;
      readonly reason: string;
    }
  | { readonly kind: "offline"; readonly attempt: number }
  | { readonly kind: "signedOut"; readonly reason: SignedOutReason };

export type ConnectionEvent =
  | { readonly kind: "start" }
  | { readonly kind: "stop" }
  | { readonly kind: "established"; readonly atMs: number }
  /** Something that may pass. `jitter` is in [0, 1). */
  | {
      readonly kind: "failed";
      readonly reason: string;
      readonly atMs: number;
      readonly jitter: number;
    }
  | { readonly kind: "refused"; readonly reason: SignedOutReason }
  /** The timer that was set for this attempt ran out. */
  | { readonly kind: "retryDue"; readonly attempt: number }
  /** Someone is looking, or asked to try now. */
  | { readonly kind: "wake" }
  | { readonly kind: "networkLost" }
  | { readonly kind: "networkBack" };

/** A connection that held this long was a good one: the next failure starts the back-off anew. */
export const stableAfterMs = 10_000;

/** The next state, or undefined where the event means nothing. */
export function next(state: ConnectionState, event: ConnectionEvent): ConnectionState | undefined {
  if (event.kind === "stop") return state.kind === "stopped" ? undefined : { kind: "stopped" };
  switch (state.kind) {
    case "stopped":
    case "signedOut":
      return event.kind === "start" ? { kind: "attempting", attempt: 1 } : undefined;
    case "attempting":
      return nextOfAttempt(state, event);
    case "connected":
      return nextOfConnected(state, event);
    case "waiting":
      return nextOfWaiting(state, event);
    case "offline":
      return event.kind === "networkBack" || event.kind === "wake"
        ? { kind: "attempting", attempt: state.attempt }
        : undefined;
    default:
      return unreachable(state);
  }
}

type StateOf<Kind extends ConnectionState["kind"]> = Extract<ConnectionState, { kind: Kind }>;
type Failure = Extract<ConnectionEvent, { kind: "failed" }>;

function nextOfAttempt(
  state: StateOf<"attempting">,
  event: ConnectionEvent,
): ConnectionState | undefined {
  if (event.kind === "established") {
    return { kind: "connected", attempt: state.attempt, sinceMs: event.atMs };
  }
  if (event.kind === "failed") return waiting(state.attempt, event);
  if (event.kind === "refused") return { kind: "signedOut", reason: event.reason };
  return undefined;
}

function nextOfConnected(
  state: StateOf<"connected">,
  event: ConnectionEvent,
): ConnectionState | undefined {
  if (event.kind === "refused") return { kind: "signedOut", reason: event.reason };
  if (event.kind !== "failed") return undefined;
  const held = event.atMs - state.sinceMs >= stableAfterMs;
  return waiting(held ? 0 : state.attempt, event);
}

function nextOfWaiting(
  state: StateOf<"waiting">,
  event: ConnectionEvent,
): ConnectionState | undefined {
  if (event.kind === "networkLost") return { kind: "offline", attempt: 1 };
  const due = event.kind === "retryDue" && event.attempt === state.attempt;
  if (due || event.kind === "wake" || event.kind === "networkBack") {
    return { kind: "attempting", attempt: state.attempt };
  }
  return undefined;
}

function waiting(failedAttempt: number, { reason, atMs, jitter }: Failure): ConnectionState {
  const attempt = failedAttempt + 1;
  return {
    kind: "waiting",
    attempt,
    retryAtMs: atMs + retryDelayMs(failedAttempt, jitter),
    reason,
  };
}
