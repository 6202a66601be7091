import { describe, expect, it } from "vitest";
import {
  maxWrongCodes,
  next,
  offered,
  pairingLifeMs,
  type PairingAct,
  type PairingState,
} from "../../../src/auth/pairing-state.ts";
import { seededRandom } from "../../helpers/seeded-random.ts";

const atMs = 1_000_000;
const offer = {
  id: "pair_1",
  secretDigest: "secret",
  codeDigest: "code",
  role: "operator",
  deviceTtlMs: null,
  first: false,
} as const;
const byLink = {
  challengeId: "chl_1",
  deviceName: "Phone",
  address: "192.0.2.7",
  way: "link",
  commitment: "c",
} as const;
const byCode = { ...byLink, way: "code" } as const;
const key = {
  keyId: "k",
  publicKeySpki: Buffer.from("spki"),
  thumbprint: "t",
  identityDigest: "d",
};
const device = { id: "dev_1", key, words: ["acorn", "zinc", "kite", "vase"] };

const open = { offer, untilMs: atMs + pairingLifeMs.offered };
const redeemed = { offer, request: byLink, untilMs: atMs + pairingLifeMs.redeemed };
const end = { offer, untilMs: atMs };
const states = {
  offered: offered(offer, atMs),
  lastTry: { phase: "offered", ...open, wrongCodes: maxWrongCodes - 1 },
  linkOnly: offered({ ...offer, codeDigest: undefined }, atMs),
  locked: { phase: "locked", ...open },
  redeemed: { phase: "redeemed", ...redeemed },
  proved: { phase: "proved", offer, request: byLink, device, untilMs: atMs + pairingLifeMs.proved },
  confirmed: {
    phase: "confirmed",
    offer,
    request: byLink,
    device,
    untilMs: atMs + pairingLifeMs.confirmed,
  },
  enrolled: { phase: "enrolled", ...end, request: byLink, device },
  expired: { phase: "expired", ...end, request: byLink },
  refused: { phase: "refused", ...end, request: byLink, because: "declined" },
} as const satisfies Record<string, PairingState>;

const acts = {
  wrongCode: { kind: "wrongCode" },
  linkOpened: { kind: "redeemed", request: byLink },
  codeTyped: { kind: "redeemed", request: byCode },
  proofAccepted: { kind: "proofAccepted", device },
  proofRefused: { kind: "proofRefused" },
  confirmed: { kind: "confirmed" },
  collected: { kind: "collected" },
  declined: { kind: "declined" },
  cancelled: { kind: "cancelled" },
  deadlinePassed: { kind: "deadlinePassed" },
} as const satisfies Record<string, PairingAct>;

const cancelled = { phase: "refused", ...end, request: undefined, because: "cancelled" } as const;
const nobodyCame = { phase: "expired", ...end, request: undefined } as const;
const codeRedeemed = { ...states.redeemed, request: byCode } as const;

type Row = Partial<Record<keyof typeof acts, PairingState>>;
const linkOffer = states.linkOnly.offer;
const table: Record<keyof typeof states, Row> = {
  offered: {
    wrongCode: { phase: "offered", ...open, wrongCodes: 1 },
    linkOpened: states.redeemed,
    codeTyped: codeRedeemed,
    cancelled,
    deadlinePassed: nobodyCame,
  },
  lastTry: {
    wrongCode: states.locked,
    linkOpened: states.redeemed,
    codeTyped: codeRedeemed,
    cancelled,
    deadlinePassed: nobodyCame,
  },
  linkOnly: {
    linkOpened: { ...states.redeemed, offer: linkOffer },
    cancelled: { ...cancelled, offer: linkOffer },
    deadlinePassed: { ...nobodyCame, offer: linkOffer },
  },
  locked: { linkOpened: states.redeemed, cancelled, deadlinePassed: nobodyCame },
  redeemed: {
    proofAccepted: states.proved,
    proofRefused: { ...states.refused, because: "proof" },
    declined: states.refused,
    deadlinePassed: states.expired,
  },
  proved: {
    confirmed: states.confirmed,
    declined: states.refused,
    deadlinePassed: states.expired,
  },
  confirmed: {
    collected: states.enrolled,
    declined: states.refused,
    deadlinePassed: states.expired,
  },
  enrolled: {},
  expired: {},
  refused: {},
};

describe("a pairing", () => {
  it("moves as the table says and nowhere else", () => {
    const moves = Object.entries(states).map(([name, state]) => [
      name,
      Object.fromEntries(
        Object.entries(acts).flatMap(([kind, act]) => {
          const after = next(state, { ...act, atMs });
          return after === undefined ? [] : [[kind, after]];
        }),
      ),
    ]);
    expect(Object.fromEntries(moves)).toEqual(table);
  });

  it("enrolls only what was redeemed, proved and confirmed in this order, once", () => {
    const random = seededRandom(20_251);
    const all = Object.values(acts);
    const ends = new Set<string>();
    for (let walk = 0; walk < 2000; walk += 1) {
      let state: PairingState = offered(offer, atMs);
      const path: string[] = [];
      // Deadlines and decisions against it end most walks early; every second one has none.
      const usual = walk % 2 === 0 ? all : all.slice(0, 7);
      for (let step = 0; step < 40; step += 1) {
        const act = usual[Math.floor(random() * usual.length)];
        const after = act && next(state, { ...act, atMs });
        if (act === undefined || after === undefined) continue;
        path.push(act.kind);
        state = after;
      }
      ends.add(state.phase);
      const wrong = path.filter((kind) => kind === "wrongCode").length;
      expect(wrong).toBeLessThanOrEqual(maxWrongCodes);
      expect(state.phase !== "locked" || wrong === maxWrongCodes).toBe(true);
      expect(path.filter((kind) => kind !== "wrongCode").length).toBeLessThanOrEqual(4);
      const whole = path.slice(wrong).join(" ") === "redeemed proofAccepted confirmed collected";
      expect(state.phase === "enrolled").toBe(whole);
    }
    expect([...ends]).toEqual(expect.arrayContaining(["enrolled", "expired", "refused"]));
  });
});
