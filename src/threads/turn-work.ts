import type { ToolContext } from "../tools/port.ts";
import type { Steering } from "./steering.ts";
import type { TurnPorts } from "./turn-ports.ts";
import type { TurnRecord } from "./turn-record.ts";

/** What a turn's work may touch. */
export interface TurnHands {
  readonly record: TurnRecord;
  readonly ports: TurnPorts;
  readonly context: ToolContext;
  readonly steering: Steering;
  /** Aborts when the turn is interrupted. */
  readonly signal: AbortSignal;
  /** Ends the turn after a person answered `cancel`; otherwise does nothing. */
  endIfCancelled(): void;
}

/** What a turn does between its beginning and its end. */
export interface TurnWork {
  /** `compact`: a person's words cannot join it. `agent`: the agent answers under the thread's settings. */
  readonly kind: "agent" | "compact" | "shell";
  /** Resolves when the turn is complete. Rejects with `ModelError`, with the reason when `signal` aborts, or with what failed on this side. */
  run(hands: TurnHands): Promise<void>;
}
