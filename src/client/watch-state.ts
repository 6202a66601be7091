/**
 * One watched thread: whether this connection follows it, and where in its events the view is.
 *
 *             ask                  answered
 *   apart ──────────▶ asking ────────────────────▶ following
 *     ▲                │  ▲                         │
 *     │ lost (any)     │  └─ event: a hole, reverted ┘
 *     └────────────────┤
 *                      └ refused ▶ failed ── ask ──▶ asking
 *
 * An event that has a meaning is the next one and is shown. One without a meaning was shown just before, or comes again
 * with the answer that is asked for, and is left out. A hole leads to `asking`, from where the view is; so does a number
 * that goes back, as those of another log do. Where turns were taken back, no event after that makes the view right: it
 * has no place any more, on this connection or a later one, until the thread was shown anew.
 */
import { unreachable } from "../util/unreachable.ts";

/** The last event of a thread's log that the view holds. */
export interface Place {
  readonly epoch: string;
  readonly seq: number;
}

/** What the host says of where its answer leaves this client. */
export interface Stream extends Place {
  readonly outcome: "snapshot" | "replayed" | "gap";
  readonly replayed?: number | undefined;
  readonly reason?: string | undefined;
}

/** `place` is undefined before the first answer, and with hosts that number nothing. */
export type WatchState =
  | { readonly kind: "apart"; readonly place: Place | undefined }
  | { readonly kind: "asking"; readonly place: Place | undefined }
  /** `givenTo`: up to this event the host sends what it has for this client, which may not be all of them. */
  | { readonly kind: "following"; readonly place: Place | undefined; readonly givenTo: number }
  | { readonly kind: "failed"; readonly place: undefined };

export type WatchEvent =
  | { readonly kind: "ask" }
  /** `stream` is undefined with hosts that number nothing. */
  | { readonly kind: "answered"; readonly stream: Stream | undefined }
  | { readonly kind: "refused" }
  | { readonly kind: "lost" }
  | { readonly kind: "event"; readonly seq: number }
  /** After the event that says so. */
  | { readonly kind: "reverted" };

/** The state after `event`, or undefined where it has no meaning. */
export function nextWatch(state: WatchState, event: WatchEvent): WatchState | undefined {
  if (event.kind === "lost") return { kind: "apart", place: state.place };
  switch (state.kind) {
    case "apart":
    case "failed":
      return event.kind === "ask" ? { kind: "asking", place: state.place } : undefined;
    case "asking":
      if (event.kind === "answered") return followed(state.place, event.stream);
      return event.kind === "refused" ? { kind: "failed", place: undefined } : undefined;
    case "following":
      if (event.kind === "reverted") return { kind: "asking", place: undefined };
      return event.kind === "event" ? advanced(state, event.seq) : undefined;
    default:
      return unreachable(state);
  }
}

function followed(place: Place | undefined, stream: Stream | undefined): WatchState {
  if (stream === undefined) return { kind: "following", place: undefined, givenTo: 0 };
  const { epoch, seq, outcome } = stream;
  // What is replayed comes behind the answer.
  const from = outcome === "replayed" && place?.epoch === epoch ? place : { epoch, seq };
  return { kind: "following", place: from, givenTo: seq };
}

function advanced(
  state: Extract<WatchState, { kind: "following" }>,
  seq: number,
): WatchState | undefined {
  const { place, givenTo } = state;
  if (place === undefined) return state;
  if (seq === place.seq) return undefined;
  const isGiven = seq > place.seq && seq <= givenTo;
  const isNext = isGiven || seq === Math.max(place.seq, givenTo) + 1;
  return isNext ? { ...state, place: { ...place, seq } } : { kind: "asking", place };
}
