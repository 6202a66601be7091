import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ApprovalGate } from "../../../src/auth/port.ts";
import { adding, ApprovalBench, command, patch } from "./approval-bench.ts";
import { approvalText, SoftDevice } from "./soft-device.ts";

let bench: ApprovalBench;
beforeEach(async () => {
  bench = await ApprovalBench.open();
});
afterEach(() => bench.door.remove());

type Forgery = (gate: ApprovalGate) => object;

/** The right answer but for these members of its signature. */
const withSignature =
  (change: object): Forgery =>
  (gate) => {
    const { decision, farhelmSignature } = bench.answer(gate);
    return { decision, farhelmSignature: { ...farhelmSignature, ...change } };
  };

/** Signed by the right key, over a payload with these members. */
const over =
  (change: object): Forgery =>
  (gate) => {
    const payload = { ...gate.challenge().payload, ...change };
    return { decision: "accept", farhelmSignature: bench.phone.device.approve(payload, "accept") };
  };

/** Signed by the right key, over the right payload in other bytes. */
const as =
  (write: (honest: string) => string): Forgery =>
  (gate) => {
    const text = write(approvalText(gate.challenge().payload, "accept"));
    return { decision: "accept", farhelmSignature: bench.phone.device.proveText(text) };
  };

const reversed = (text: string): string =>
  JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text)).toReversed()));

const forgeries: Readonly<Record<string, Readonly<Record<string, Forgery>>>> = {
  approval_signature_missing: {
    "not signed": () => ({ decision: "accept" }),
    "not signed, for the session": () => ({ decision: "acceptForSession" }),
    "signed with null": () => ({ decision: "accept", farhelmSignature: null }),
  },
  approval_signature_malformed: {
    "signed with a text": () => ({ decision: "accept", farhelmSignature: "yes" }),
    "without the bytes": withSignature({ signedPayloadBase64: undefined }),
    "of another algorithm": withSignature({ algorithm: "ed25519" }),
  },
  approval_bytes_differ: {
    "for one time, sent for the session": (gate) => ({
      ...bench.answer(gate),
      decision: "acceptForSession",
    }),
    "as declined, sent as accepted": (gate) => ({
      ...bench.answer(gate, "decline"),
      decision: "accept",
    }),
    "as accepted, sent as declined": (gate) => ({ ...bench.answer(gate), decision: "decline" }),
    "for another command": over({ command: ["ls"] }),
    "for the same words cut otherwise": over({ command: ["/bin/bash", "-lc rm -rf build"] }),
    "for another folder": over({ cwd: "/" }),
    "for a confined run": over({ escalated: false }),
    "for another thread": over({ threadId: "t2" }),
    "for another turn": over({ turnId: "u2" }),
    "for another item": over({ itemId: "call_2" }),
    "for another request": over({ requestId: 8 }),
    "for another host": over({ hostId: "urn:farhelm:host:x" }),
    "with another nonce": over({ nonce: "A".repeat(43) }),
    "with a later end": over({ expiresAt: 4_000_000_000 }),
    "with one more member": over({ also: "this" }),
    "written with spaces": as((honest) => honest.replace(":", ": ")),
    "written in another order": as(reversed),
    "written with escapes": as((honest) => honest.replace("rm -rf", String.raw`r\u006d -rf`)),
    "written with a member twice": as((honest) => honest.replace('"cwd"', '"cwd":"/","cwd"')),
    "written with an end of line": as((honest) => `${honest}\n`),
    "in the domain of pairing": as((honest) =>
      honest.replace("farhelm-approval/v1", "codex-device-key-sign-payload/v1"),
    ),
    "in base64 with a line's end": (gate) => {
      const { signedPayloadBase64 } = bench.answer(gate).farhelmSignature;
      return withSignature({ signedPayloadBase64: `${signedPayloadBase64}\n` })(gate);
    },
  },
  approval_signature_invalid: {
    "by another key": (gate) => bench.answer(gate, "accept", { ...bench.phone, device: stranger }),
    "by another key under this one's name": (gate) => {
      const { keyId } = bench.phone.device.identity;
      const { payload } = gate.challenge();
      return {
        decision: "accept",
        farhelmSignature: { ...stranger.approve(payload, "accept"), keyId },
      };
    },
    "under another key's name": withSignature({ keyId: "dk_other" }),
    "with a signature of something else": (gate) => {
      const { signatureDerBase64 } = bench.phone.device.proveText("else");
      return withSignature({ signatureDerBase64 })(gate);
    },
    "with a signature that is no DER": withSignature({ signatureDerBase64: "AAAA" }),
  },
};
const stranger = new SoftDevice("dk_stranger");

const cases = Object.entries(forgeries).flatMap(([code, ways]) =>
  Object.entries(ways).map(([way, forge]) => ({ code, way, forge })),
);

describe("an approval does not count", () => {
  it.each(cases)("$way ($code), and the honest one after it does", ({ code, forge }) => {
    const gate = bench.gate();
    expect(gate.admit(forge(gate), bench.by)).toEqual({
      kind: "fault",
      code,
      message: expect.stringMatching(/\.$/),
      nextStep: expect.stringMatching(/\.$/),
      askAgain: code === "approval_bytes_differ",
      inWords: code === "approval_signature_missing",
    });
    expect(gate.admit(bench.answer(gate), bench.by)).toMatchObject({ kind: "admitted" });
    expect(bench.receipts().length).toBe(1);
  });

  it("for a patch that differs in one letter", () => {
    const [honest, other] = [bench.gate(patch), bench.gate({ ...patch, changes: adding("0ne\n") })];
    const { diffSha256Base64url } = Object(other.challenge().payload);
    const outcome = honest.admit(over({ diffSha256Base64url })(honest), bench.by);
    expect(outcome).toMatchObject({ code: "approval_bytes_differ" });
  });

  it("for a patch that goes to other files behind the same names", () => {
    const gate = bench.gate(patch);
    const outcome = gate.admit(over({ realPaths: ["/etc/passwd"] })(gate), bench.by);
    expect(outcome).toMatchObject({ code: "approval_bytes_differ" });
  });

  it("a second time, for the next question about the same command", () => {
    const first = bench.gate();
    const answer = bench.answer(first);
    expect(first.admit(answer, bench.by)).toMatchObject({ kind: "admitted" });
    const outcome = bench.gate(command, 8).admit(answer, bench.by);
    expect(outcome).toMatchObject({ code: "approval_bytes_differ" });
  });

  it("after an hour, for which the question comes again", () => {
    const { door, by } = bench;
    const gate = bench.gate();
    const answer = bench.answer(gate);
    door.nowMs += 3_599_999;
    expect(gate.admit(answer, by)).toMatchObject({ kind: "admitted" });
    door.nowMs += 1;
    const expired = { code: "approval_expired", askAgain: true };
    expect(gate.admit(answer, by)).toMatchObject(expired);
    expect(gate.admit(bench.answer(gate), by)).toMatchObject({ kind: "admitted" });
    expect(gate.admit(answer, by)).toMatchObject({ code: "approval_bytes_differ" });
  });
});
