import { describe, expect, it } from "vitest";
import {
  maxWrongSecrets,
  next,
  offered,
  type PairingEvent,
  type PairingState,
} from "../../../src/auth/pairing-state.ts";

const offer = {
  secretDigest: "digest",
  role: "operator",
  deviceTtlMs: null,
  expiresAtMs: 1000,
} as const;
const challengeId = "chl_1";
const deviceName = "Phone";

const states = {
  offered: offered(offer),
  lastTry: { phase: "offered", offer, wrongSecrets: maxWrongSecrets - 1 },
  redeemed: { phase: "redeemed", offer, challengeId, deviceName },
  enrolled: { phase: "enrolled", offer, deviceId: "dev_1" },
  expired: { phase: "expired", offer },
  refused: { phase: "refused", offer },
  locked: { phase: "locked", offer },
} as const satisfies Record<string, PairingState>;

const events = {
  wrongSecret: { kind: "wrongSecret" },
  secretAccepted: { kind: "secretAccepted", challengeId, deviceName },
  proofAccepted: { kind: "proofAccepted", deviceId: "dev_1" },
  proofRefused: { kind: "proofRefused" },
  deadlinePassed: { kind: "deadlinePassed" },
} as const satisfies Record<string, PairingEvent>;

type Row = Partial<Record<keyof typeof events, PairingState>>;
const table: Record<keyof typeof states, Row> = {
  offered: {
    wrongSecret: { phase: "offered", offer, wrongSecrets: 1 },
    secretAccepted: states.redeemed,
    deadlinePassed: states.expired,
  },
  lastTry: {
    wrongSecret: states.locked,
    secretAccepted: states.redeemed,
    deadlinePassed: states.expired,
  },
  redeemed: {
    proofAccepted: states.enrolled,
    proofRefused: states.refused,
    deadlinePassed: states.expired,
  },
  enrolled: {},
  expired: {},
  refused: {},
  locked: {},
};

describe("a pairing", () => {
  it("moves as the table says and nowhere else", () => {
    const moves = Object.entries(states).map(([name, state]) => [
      name,
      Object.fromEntries(
        Object.entries(events).flatMap(([kind, event]) => {
          const after = next(state, event);
          return after === undefined ? [] : [[kind, after]];
        }),
      ),
    ]);
    expect(Object.fromEntries(moves)).toEqual(table);
  });

  it("enrolls only what was redeemed, once, and after fewer wrong secrets than the limit", () => {
    let seed = 20_251;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    const all = Object.values(events);
    const ends = new Set<string>();
    for (let walk = 0; walk < 500; walk += 1) {
      let state: PairingState = offered(offer);
      const path: string[] = [];
      for (let step = 0; step < 25; step += 1) {
        const event = all[random(walk % 2 === 0 ? all.length : 1)];
        const after = event === undefined ? undefined : next(state, event);
        if (event === undefined || after === undefined) continue;
        path.push(event.kind);
        state = after;
      }
      ends.add(state.phase);
      const enrolled = path.filter((kind) => kind === "proofAccepted").length;
      const wrong = path.filter((kind) => kind === "wrongSecret").length;
      expect(enrolled).toBe(state.phase === "enrolled" ? 1 : 0);
      expect(wrong >= maxWrongSecrets).toBe(state.phase === "locked");
      expect(enrolled === 0 || path.at(-2) === "secretAccepted").toBe(true);
    }
    expect(ends).toContain("locked");
    expect(ends).toContain("enrolled");
  });
});
