/*
 * One turn.
 *
 *   sampling ──toolsCalled──► working ──toolsDone──► sampling
 *      │  ▲                      │
 *      │  └──────steered─────────┤ (input that came while a tool ran is sent with its output)
 *      │                         │
 *      ├──finish──► completed    │
 *      ├──fail────► failed  ◄────┤
 *      └──interrupt─► interrupted ◄
 *
 * completed, failed and interrupted are final. Steering a turn that samples starts its sampling anew.
 */
import type { TurnError } from "../protocol/turn.ts";
import { unreachable } from "../util/unreachable.ts";

export type TurnState =
  /** The model is asked or answers. */
  | { readonly kind: "sampling" }
  /** Tools run, or wait for an approval. */
  | { readonly kind: "working" }
  | { readonly kind: "completed" }
  | { readonly kind: "failed"; readonly error: TurnError }
  | { readonly kind: "interrupted" };

export type TurnEvent =
  | { readonly kind: "toolsCalled" }
  | { readonly kind: "toolsDone" }
  | { readonly kind: "steered" }
  | { readonly kind: "finish" }
  | { readonly kind: "fail"; readonly error: TurnError }
  | { readonly kind: "interrupt" };

/** The state after `event`, or undefined if the event has no meaning in this state. */
export function nextTurnState(state: TurnState, event: TurnEvent): TurnState | undefined {
  switch (state.kind) {
    case "sampling":
      return fromSampling(event);
    case "working":
      return fromWorking(event);
    case "completed":
    case "failed":
    case "interrupted":
      return undefined;
    default:
      return unreachable(state);
  }
}

/** Whether the turn still runs. */
export const isRunning = (state: TurnState): boolean =>
  state.kind === "sampling" || state.kind === "working";

function fromSampling(event: TurnEvent): TurnState | undefined {
  switch (event.kind) {
    case "toolsCalled":
      return { kind: "working" };
    case "steered":
      return { kind: "sampling" };
    case "finish":
      return { kind: "completed" };
    case "fail":
      return { kind: "failed", error: event.error };
    case "interrupt":
      return { kind: "interrupted" };
    case "toolsDone":
      return undefined;
    default:
      return unreachable(event);
  }
}

function fromWorking(event: TurnEvent): TurnState | undefined {
  switch (event.kind) {
    case "toolsDone":
      return { kind: "sampling" };
    case "steered":
      return { kind: "working" };
    case "fail":
      return { kind: "failed", error: event.error };
    case "interrupt":
      return { kind: "interrupted" };
    case "toolsCalled":
    case "finish":
      return undefined;
    default:
      return unreachable(event);
  }
}
