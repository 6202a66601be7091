import { p256 } from "@noble/curves/nist.js";
import { expect, test } from "vitest";
import { canonicalPayload } from "../../../src/client/canonical-payload.ts";
import { derSignature } from "../../../src/client/der-signature.ts";
import { identityHash, makeDeviceKey, prove } from "../../../src/client/device-key.ts";

test("the signed bytes have sorted keys at every level and no spaces", () => {
  const bytes = canonicalPayload({ type: "t", scopes: ["b", "a"], nested: { z: 1, a: null } });
  expect(new TextDecoder().decode(bytes)).toBe(
    '{"domain":"codex-device-key-sign-payload/v1","payload":{"nested":{"a":null,"z":1},"scopes":["b","a"],"type":"t"}}',
  );
});

test("the identity's hash is that of the published vector", async () => {
  const hash = await identityHash({
    algorithm: "ecdsa_p256_sha256",
    keyId: "dk_osn_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    protectionClass: "os_protected_nonextractable",
    publicKeySpkiDerBase64: "AAAA",
  });
  expect(hash).toBe("uz1QALlpy9elOk7VGy1tU_EE2vLe_qwDPyRxlAE2kgQ");
});

test("DER keeps numbers positive and minimal", () => {
  const raw = new Uint8Array(64);
  raw[0] = 0x80;
  raw[63] = 0x7f;
  const padded = [0x02, 33, 0, 0x80, ...Array.from({ length: 31 }, () => 0)];
  expect([...derSignature(raw)]).toEqual([0x30, 38, ...padded, 0x02, 1, 0x7f]);
  expect([...derSignature(new Uint8Array(64))]).toEqual([0x30, 6, 2, 1, 0, 2, 1, 0]);
});

test("a proof verifies over exactly the bytes that it carries, and the key cannot be exported", async () => {
  const key = await makeDeviceKey();
  for (let round = 0; round < 20; round += 1) {
    const proof = await prove(key, { round, type: "remoteControlClientEnrollment" });
    const spki = Buffer.from(key.identity.publicKeySpkiDerBase64, "base64");
    const verified = p256.verify(
      Buffer.from(proof.signatureDerBase64, "base64"),
      Buffer.from(proof.signedPayloadBase64, "base64"),
      spki.subarray(-65),
      { lowS: false, format: "der" },
    );
    expect(verified).toBe(true);
  }
  await expect(crypto.subtle.exportKey("pkcs8", key.privateKey)).rejects.toThrow(/extractable/);
});
