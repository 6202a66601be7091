import { describe, expect, test } from "vitest";
import type { WatchEvent, WatchState } from "../../../src/client/watch-state.ts";
import { nextWatch } from "../../../src/client/watch-state.ts";
import { pick, seededRandom } from "../../helpers/seeded-random.ts";

const place = { epoch: "e1", seq: 10 };
const following: WatchState = { kind: "following", place, givenTo: 12 };

const states: readonly (readonly [string, WatchState])[] = [
  ["apart", { kind: "apart", place }],
  ["asking", { kind: "asking", place }],
  ["following", following],
  ["failed", { kind: "failed", place: undefined }],
];

const events = {
  ask: { kind: "ask" },
  snapshot: { kind: "answered", stream: { epoch: "e1", seq: 20, outcome: "snapshot" } },
  replayed: {
    kind: "answered",
    stream: { epoch: "e1", seq: 20, outcome: "replayed", replayed: 10 },
  },
  gap: { kind: "answered", stream: { epoch: "e2", seq: 3, outcome: "gap", reason: "restarted" } },
  unnumbered: { kind: "answered", stream: undefined },
  refused: { kind: "refused" },
  lost: { kind: "lost" },
  shown: { kind: "event", seq: 10 },
  goingBack: { kind: "event", seq: 9 },
  given: { kind: "event", seq: 12 },
  continuing: { kind: "event", seq: 13 },
  beyondHole: { kind: "event", seq: 14 },
  reverted: { kind: "reverted" },
} as const satisfies Record<string, WatchEvent>;

const apart = { kind: "apart", place };
const asking = { kind: "asking", place };

/** What is not listed is undefined: the event has no meaning in that state. */
const table: Readonly<Record<string, Partial<Record<keyof typeof events, object>>>> = {
  apart: { ask: asking, lost: apart },
  asking: {
    snapshot: { kind: "following", place: { epoch: "e1", seq: 20 }, givenTo: 20 },
    replayed: { kind: "following", place, givenTo: 20 },
    gap: { kind: "following", place: { epoch: "e2", seq: 3 }, givenTo: 3 },
    unnumbered: { kind: "following", place: undefined, givenTo: 0 },
    refused: { kind: "failed", place: undefined },
    lost: apart,
  },
  following: {
    lost: apart,
    given: { ...following, place: { ...place, seq: 12 } },
    continuing: { ...following, place: { ...place, seq: 13 } },
    beyondHole: asking,
    goingBack: asking,
    reverted: { kind: "asking", place: undefined },
  },
  failed: { ask: { kind: "asking", place: undefined }, lost: { kind: "apart", place: undefined } },
};

describe("the whole table", () => {
  test.each(states)("%s", (name, state) => {
    const actual = Object.entries(events).map(([event, each]) => [event, nextWatch(state, each)]);
    const expected = Object.keys(events).map((event) => [
      event,
      Object.entries(table[name] ?? {}).find(([known]) => known === event)?.[1],
    ]);
    expect(Object.fromEntries(actual)).toEqual(Object.fromEntries(expected));
  });
});

test("with a host that numbers nothing everything is shown", () => {
  const state: WatchState = { kind: "following", place: undefined, givenTo: 0 };
  expect(nextWatch(state, { kind: "event", seq: 7 })).toBe(state);
});

test("a replay of another epoch than the view's is taken from its end on", () => {
  const stream = { epoch: "e9", seq: 4, outcome: "replayed" } as const;
  expect(nextWatch({ kind: "asking", place }, { kind: "answered", stream })).toEqual({
    kind: "following",
    place: { epoch: "e9", seq: 4 },
    givenTo: 4,
  });
});

/**
 * A host's log, a connection that loses, repeats and leaves out, and a client that goes by the states. Every twentieth
 * event says that what was before it was taken back: who is only told so goes on showing it.
 */
const isRevert = (seq: number): boolean => seq % 20 === 0;
const keptOf = (head: number): readonly number[] => {
  const first = Math.max(1, head - (head % 20));
  return Array.from({ length: head - first + 1 }, (_, index) => first + index);
};

function walk(seed: number): { readonly shown: readonly number[]; readonly head: number } {
  const random = seededRandom(seed);
  let head = 0;
  let state: WatchState = { kind: "apart", place: undefined };
  let shown: number[] = [];
  const tell = (seq: number): void => {
    const after = nextWatch(state, { kind: "event", seq });
    if (after === undefined) return;
    state = after;
    if (after.kind !== "following") return;
    shown.push(seq);
    if (isRevert(seq)) state = nextWatch(state, { kind: "reverted" }) ?? state;
  };
  const resume = (): void => {
    const { place: since } = state;
    const isGap = since !== undefined && random() < 0.2;
    const outcome = since === undefined ? "snapshot" : isGap ? "gap" : "replayed";
    const after = nextWatch(state, {
      kind: "answered",
      stream: { epoch: "e", seq: head, outcome },
    });
    if (after === undefined) return;
    state = after;
    if (outcome !== "replayed") shown = [...keptOf(head)];
    else for (let seq = (since?.seq ?? 0) + 1; seq <= head; seq += 1) tell(seq);
  };
  const steps: readonly (() => void)[] = [
    () => tell((head += 1)),
    () => tell((head += 1)),
    () => void (head += 1),
    () => tell(Math.max(1, head - 1)),
    () => void (state = nextWatch(state, { kind: "lost" }) ?? state),
    () => void (state = nextWatch(state, { kind: "ask" }) ?? state),
    () => resume(),
  ];
  for (let step = 0; step < 200; step += 1) pick(random, steps)();
  tell((head += 1));
  state = nextWatch(state, { kind: "ask" }) ?? state;
  while (state.kind !== "following") resume();
  return { shown, head };
}

test("on any walk the view has every event once and in order when it follows again", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const { shown, head } = walk(seed);
    expect([seed, shown]).toEqual([seed, keptOf(head)]);
  }
});
