import { createHash, createPublicKey, verify } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hostActor } from "../../../src/audit/port.ts";
import type { ApprovalSubject, Answerer } from "../../../src/auth/port.ts";
import type { ApprovalSettings } from "../../../src/config/approval-settings.ts";
import type { Role } from "../../../src/protocol/principal.ts";
import {
  always,
  answerer,
  ApprovalBench,
  command,
  ids,
  patch,
  permissions,
} from "./approval-bench.ts";

let bench: ApprovalBench;
beforeEach(async () => {
  bench = await ApprovalBench.open();
});
afterEach(() => bench.door.remove());

describe("what is to be signed", () => {
  it("names the host, the question and the very arguments", () => {
    expect(bench.gate().challenge()).toEqual({
      payload: {
        hostId: expect.stringMatching(/^urn:farhelm:host:[\w-]{43}$/),
        ...ids,
        requestId: 7,
        nonce: expect.stringMatching(/^[\w-]{43}$/),
        expiresAt: bench.door.nowMs / 1000 + 3600,
        kind: "command",
        command: ["/bin/bash", "-lc", "rm -rf build"],
        cwd: "/srv",
        escalated: true,
      },
      requiredOf: ["approver", "operator", "admin"],
    });
  });

  it("names a patch by the digest of its changes, and the files by their real paths", () => {
    const text = '[{"diff":"one\\n","kind":{"type":"add"},"path":"/srv/a"}]';
    expect(bench.gate(patch).challenge().payload).toMatchObject({
      kind: "fileChange",
      diffSha256Base64url: createHash("sha256").update(text).digest("base64url"),
      realPaths: ["/real/a"],
    });
  });

  it("names the paths and the network that permissions would add, for a turn and for a command", () => {
    const { additions } = permissions;
    expect(bench.gate(permissions).challenge().payload).toMatchObject({
      kind: "permissions",
      cwd: "/srv",
      additions,
    });
    const wide = { ...command, escalated: false, additions };
    expect(bench.gate(wide).challenge().payload).toMatchObject({ kind: "command", additions });
  });

  it("names the host that a command wants to reach which runs already", () => {
    const reaches = "https://example.com:443";
    const running = { ...command, escalated: false, reaches };
    expect(bench.gate(running).challenge().payload).toMatchObject({ kind: "command", reaches });
  });

  it("has another nonce for every question, and for the same one after an hour", () => {
    const [first, second] = [bench.gate(), bench.gate(command, 8)];
    const { nonce } = first.challenge().payload;
    expect(first.challenge()).toBe(first.challenge());
    expect(second.challenge().payload.nonce).not.toBe(nonce);
    bench.door.nowMs += 3_600_000;
    expect(first.challenge().payload.nonce).not.toBe(nonce);
  });

  it("is not changed by what becomes of the list afterwards", () => {
    const words = ["ls"];
    const gate = bench.gate({ ...command, command: words });
    words.push("/etc");
    expect(gate.challenge().payload).toMatchObject({ command: ["ls"] });
  });

  it.each([
    [1_040_000, false],
    [1_050_000, true],
  ])("has a limit: an argument of %d bytes is too long: %s", (bytes, isTooLong) => {
    const long = { ...command, command: ["sh", "-c", "x".repeat(bytes)] };
    expect(bench.auth.notary.gate(long, 1) === "tooLong").toBe(isTooLong);
  });
});

describe("whose approval must be signed", () => {
  const confined = { ...command, escalated: false };
  const everybody: readonly Role[] = ["approver", "operator", "admin"];
  it.each<
    [string, ApprovalSettings["signed"], ApprovalSettings["signedRoles"], ApprovalSubject, unknown]
  >([
    ["nobody's", [], [], command, undefined],
    ["nobody's, of a command", ["fileChange"], [], command, undefined],
    ["everybody's, of a patch", ["fileChange"], [], patch, everybody],
    ["nobody's, of a confined command", ["escalated"], [], confined, undefined],
    ["everybody's, of an unconfined one", ["escalated"], [], command, everybody],
    ["everybody's, of what widens the sandbox", ["escalated"], [], permissions, everybody],
    ["everybody's, of permissions", ["permissions"], [], permissions, everybody],
    [
      "everybody's, of a command that widens its own",
      ["permissions"],
      [],
      { ...confined, additions: permissions.additions },
      everybody,
    ],
    [
      "everybody's, of a command that wants to reach a host",
      ["escalated"],
      [],
      { ...confined, reaches: "https://example.com:443" },
      everybody,
    ],
    ["nobody's, of permissions", ["command", "fileChange"], [], permissions, undefined],
    ["an approver's, of whatever", [], ["approver"], patch, ["approver"]],
    ["an admin's, of a patch", ["command"], ["admin"], patch, ["admin"]],
  ])("%s", async (_whose, signed, signedRoles, subject, expected) => {
    const { notary } = await bench.door.open({ approvals: { signed, signedRoles } });
    const gate = notary.gate(subject, 1);
    expect(gate === "tooLong" ? gate : gate?.challenge().requiredOf).toEqual(expected);
  });

  it("not another role's, which counts unsigned, and signed too", async () => {
    const { door, by } = bench;
    bench.auth = await door.open({ approvals: { signed: [], signedRoles: ["operator"] } });
    const gate = bench.gate();
    expect(gate.admit({ decision: "accept" }, by)).toEqual({ kind: "admitted", about: {} });
    const signed = gate.admit(bench.answer(gate), by);
    expect(signed).toMatchObject({ about: { receipt: expect.any(String) } });
    const missing = { code: "approval_signature_missing" };
    expect(gate.admit({ decision: "accept" }, { ...by, role: "operator" })).toMatchObject(missing);
  });
});

describe("an answer counts", () => {
  const amendment = { execpolicy_amendment: ["ls", "\u00e9\u202e"] };
  it.each<[unknown, ApprovalSubject]>([
    ["accept", command],
    ["acceptForSession", command],
    [{ acceptWithExecpolicyAmendment: amendment }, command],
    ["decline", command],
    ["accept", patch],
  ])("when the device signed it with its decision: %j", (decision, subject) => {
    const gate = bench.gate(subject);
    const answer = bench.answer(gate, decision);
    const admission = gate.admit(answer, bench.by);
    const [line = "", ...more] = bench.receipts();
    expect(more).toEqual([]);
    expect(admission).toEqual({
      kind: "admitted",
      about: {
        receipt: createHash("sha256").update(line).digest("base64url"),
        key: expect.stringMatching(/^[\w-]{43}$/),
      },
    });

    const receipt = JSON.parse(line);
    const { publicKeySpkiDerBase64 } = bench.phone.device.identity;
    expect(receipt).toEqual({
      acceptedAtMs: bench.door.nowMs,
      deviceId: bench.phone.clientId,
      publicKeySpkiDerBase64,
      ...answer.farhelmSignature,
    });
    const spki = Buffer.from(publicKeySpkiDerBase64, "base64");
    const key = createPublicKey({ key: spki, format: "der", type: "spki" });
    const bytes = Buffer.from(receipt.signedPayloadBase64, "base64");
    const signature = Buffer.from(receipt.signatureDerBase64, "base64");
    expect(verify("sha256", bytes, key, signature)).toBe(true);
    expect(JSON.parse(bytes.toString())).toMatchObject({ payload: { decision } });
  });

  it.each(["decline", "cancel"])("without a signature when it lets nothing run: %s", (decision) => {
    const outcome = bench.gate().admit({ decision }, bench.by);
    expect(outcome).toEqual({ kind: "admitted", about: {} });
  });

  it.each([{ decision: "perhaps" }, null, "accept", {}])(
    "as nonsense, which fails the item, when it is %j",
    (result) => {
      const outcome = bench.gate().admit(result, bench.by);
      expect(outcome).toEqual({ kind: "admitted", about: {} });
    },
  );
});

const grant = { permissions: { fileSystem: { write: ["/out"] } }, scope: "session" };
const admit = (answer: object, signed: object = answer) => {
  const gate = bench.gate(permissions);
  const farhelmSignature = bench.phone.device.approve(gate.challenge().payload, signed);
  return gate.admit({ ...answer, farhelmSignature }, bench.by);
};

describe("an answer to a question about permissions", () => {
  it("counts when the device signed all of it", () => {
    expect(admit(grant)).toMatchObject({
      kind: "admitted",
      about: { receipt: expect.any(String) },
    });
    const narrower = { ...grant, scope: "turn" };
    expect(admit(grant, narrower)).toMatchObject({ code: "approval_bytes_differ" });
  });

  it.each([
    grant,
    { permissions: { network: { enabled: true } } },
    { ...grant, more: 1.5 },
    { ...grant, more: undefined },
  ])("grants nothing without a signature: %j", (answer) => {
    const outcome = bench.gate(permissions).admit(answer, bench.by);
    expect(outcome).toMatchObject({ code: "approval_signature_missing" });
  });

  it.each([
    { permissions: {}, scope: "turn" },
    { permissions: { network: { enabled: false }, fileSystem: { read: [], write: null } } },
  ])("counts without one when it grants nothing: %j", (answer) => {
    const outcome = bench.gate(permissions).admit(answer, bench.by);
    expect(outcome).toEqual({ kind: "admitted", about: {} });
  });
});

describe("without a key nobody approves, signed or not, but everybody may decline:", () => {
  it.each<[string, () => Promise<Answerer>]>([
    ["the command line of the host", async () => answerer("local", "admin", "local")],
    ["another issuer's user", async () => answerer("https://id.example|me", "admin", "foreign")],
    [
      "a headless token",
      async () => {
        const { id } = await bench.auth.devices.issueHeadless("ci", "admin", 60_000, hostActor);
        return answerer(id, "admin", "headless");
      },
    ],
    [
      "a device that was revoked",
      async () => {
        bench.auth.devices.revoke(bench.phone.clientId, hostActor);
        return bench.by;
      },
    ],
  ])("%s", async (_who, who) => {
    const someone = await who();
    const gate = bench.gate();
    const refused = { code: "approval_no_key" };
    expect(gate.admit({ decision: "accept" }, someone)).toMatchObject({
      ...refused,
      inWords: true,
    });
    expect(gate.admit(bench.answer(gate), someone)).toMatchObject({ ...refused, inWords: false });
    expect(gate.admit({ decision: "decline" }, someone)).toMatchObject({ kind: "admitted" });
  });
});

it("an approval whose receipt cannot be written does not count", async () => {
  const receipts = {
    keep(): string {
      throw new Error("no space");
    },
  };
  bench.auth = await bench.door.open({ approvals: always, receipts });
  const gate = bench.gate();
  const outcome = gate.admit(bench.answer(gate), bench.by);
  expect(outcome).toMatchObject({ code: "approval_not_recorded" });
});
