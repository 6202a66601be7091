/** What happens in one run: made from its seed alone, so that it can be made again. */
import type { Boundary } from "../helpers/frame-scan.ts";
import { pick, seededRandom } from "../helpers/seeded-random.ts";
import type { ClientKind } from "./scene-client.ts";

/** How often each act comes, in relation to the others. */
const weights = {
  start: 2,
  watch: 4,
  leave: 2,
  say: 4,
  slow: 8,
  run: 8,
  patch: 3,
  steer: 5,
  interrupt: 3,
  name: 4,
  archive: 1,
  unarchive: 2,
  fork: 2,
  delete: 0.5,
  queueAdd: 4,
  queueDelete: 1,
  queueReorder: 1,
  queueStart: 1,
  read: 1,
  revert: 1.5,
  rollback: 0.5,
  goalSet: 1,
  goalClear: 0.5,
  section: 1.5,
  mark: 2,
  // Only where it is asked for: an answer of megabytes.
  long: 0,
} as const;
export type Act = keyof typeof weights;

const isAct = (name: string): name is Act => Object.hasOwn(weights, name);

/** Each as often as its weight says, in halves. */
const acts = Object.entries(weights).flatMap(([name, weight]) =>
  Array.from({ length: weight * 2 }, () => name).filter(isAct),
);

export type Fault =
  | { readonly kind: "cut" }
  | {
      readonly kind: "cutAt";
      readonly direction: "toHost" | "toClient";
      readonly at: Boundary;
      readonly afterFrames: number;
    }
  | { readonly kind: "cutAfter"; readonly direction: "toHost" | "toClient"; readonly bytes: number }
  | { readonly kind: "silent"; readonly ms: number }
  | { readonly kind: "refuse"; readonly ms: number }
  | { readonly kind: "slow"; readonly ms: number; readonly pieceBytes: number };

export type Step =
  | {
      readonly kind: "act";
      readonly client: number;
      readonly act: Act;
      /** Chooses among what is there by then, in [0, 1). */
      readonly choice: number;
      readonly pauseMs: number;
    }
  | {
      readonly kind: "fault";
      readonly client: number;
      readonly fault: Fault;
      readonly pauseMs: number;
    }
  | { readonly kind: "host"; readonly how: "restart" | "kill"; readonly pauseMs: number };

export interface PlannedClient {
  readonly kind: ClientKind;
  /** Of the first threads, by their places, those that it watches. */
  readonly watches: readonly number[];
}

export interface Plan {
  readonly seed: number;
  readonly clients: readonly PlannedClient[];
  /** How many threads there are before anything goes wrong. */
  readonly threads: number;
  readonly steps: readonly Step[];
}

export interface PlanOptions {
  /** How the host may end in the middle of the run. */
  readonly ends: "never" | "restart" | "kill";
}

const directions = ["toHost", "toClient"] as const;
const boundaries = ["before", "header", "payload", "character", "after"] as const;

export function planOf(seed: number, { ends }: PlanOptions): Plan {
  const random = seededRandom(seed);
  const threads = 1 + Math.floor(random() * 3);
  const clients = Array.from({ length: 2 + Math.floor(random() * 4) }, (_, at) => ({
    kind: kindOf(at === 0 ? 0 : random()),
    watches: Array.from({ length: threads }, (__, thread) => thread).filter(() => random() < 0.8),
  }));
  const count = 10 + Math.floor(random() * 14);
  const endAt = 3 + Math.floor(random() * (count - 3));
  const steps = Array.from({ length: count }, (_, at): Step => {
    const client = Math.floor(random() * clients.length);
    const pauseMs = random() < 0.4 ? 0 : Math.floor(random() * 12);
    if (at === endAt && ends !== "never") return { kind: "host", how: ends, pauseMs };
    if (random() < 0.3) return { kind: "fault", client, fault: faultOf(random), pauseMs };
    return { kind: "act", client, act: pick(random, acts), choice: random(), pauseMs };
  });
  return { seed, clients, threads, steps };
}

/** The first client is one whose every event is counted here. */
function kindOf(share: number): ClientKind {
  if (share < 0.45) return "counts";
  return share < 0.75 ? "stock" : "library";
}

function faultOf(random: () => number): Fault {
  const direction = pick(random, directions);
  const ms = 2 + Math.floor(random() * 20);
  const kind = random();
  if (kind < 0.15) return { kind: "cut" };
  if (kind < 0.55) {
    const afterFrames = Math.floor(random() * 4);
    return { kind: "cutAt", direction, at: pick(random, boundaries), afterFrames };
  }
  if (kind < 0.7) return { kind: "cutAfter", direction, bytes: Math.floor(random() * 1_500) };
  if (kind < 0.85) return { kind: "silent", ms };
  if (kind < 0.92) return { kind: "refuse", ms };
  return { kind: "slow", ms, pieceBytes: pick(random, [1, 7, 100]) };
}

export const stepText = (step: Step): string => {
  if (step.kind === "act") return `client ${step.client} ${step.act} ${step.choice.toFixed(2)}`;
  return step.kind === "host"
    ? `host ${step.how}`
    : `line ${step.client} ${JSON.stringify(step.fault)}`;
};
