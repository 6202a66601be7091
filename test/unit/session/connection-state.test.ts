import { describe, expect, it } from "vitest";
import type { ConnectionEvent, ConnectionState } from "../../../src/session/connection-state.ts";
import { nextConnectionState } from "../../../src/session/connection-state.ts";
import { pick, seededRandom } from "../../helpers/seeded-random.ts";

const client = {
  name: "test",
  version: "1",
  experimental: true,
  optOut: new Set(["x"]),
  countsEvents: false,
};
const open: ConnectionState = { kind: "open" };
const initialized: ConnectionState = { kind: "initialized", client };
const closed: ConnectionState = { kind: "closed" };
const initialize: ConnectionEvent = { kind: "initialize", client };
const close: ConnectionEvent = { kind: "close" };

const table: readonly (readonly [ConnectionState, ConnectionEvent, ConnectionState | undefined])[] =
  [
    [open, initialize, initialized],
    [open, close, closed],
    [initialized, initialize, undefined],
    [initialized, close, closed],
    [closed, initialize, undefined],
    [closed, close, undefined],
  ];

describe("a connection's state", () => {
  it.each(table)("%o + %o -> %o", (state, event, expected) => {
    expect(nextConnectionState(state, event)).toEqual(expected);
  });

  it("never leaves closed and is initialised at most once", () => {
    const random = seededRandom(1);
    for (let walk = 0; walk < 200; walk++) {
      let state: ConnectionState = open;
      let initialisations = 0;
      for (let step = 0; step < 12; step++) {
        const next = nextConnectionState(state, pick(random, [initialize, close]));
        expect(state.kind === "closed" && next).toBeFalsy();
        if (next?.kind === "initialized") initialisations += 1;
        state = next ?? state;
      }
      expect(initialisations).toBeLessThanOrEqual(1);
    }
  });
});
