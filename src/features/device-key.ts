/** Keys by which a program of this machine proves itself elsewhere; over control.sock alone. */
import { z } from "zod";
import type { PublicDeviceKey } from "../accounts/port.ts";
import { method } from "../dispatch/define.ts";
import { invalidRequest } from "../protocol/errors.ts";
import {
  badPayload,
  checkBinding,
  checkKeyId,
  checkPayload,
  DeviceKeySignPayload,
} from "./device-key-payload.ts";

const algorithm = "ecdsa_p256_sha256";

const DeviceKey = z.object({
  keyId: z.string(),
  /** SubjectPublicKeyInfo, DER. */
  publicKeySpkiDerBase64: z.string(),
  algorithm: z.literal(algorithm),
  protectionClass: z.enum([
    "hardware_secure_enclave",
    "hardware_tpm",
    "os_protected_nonextractable",
  ]),
});

export const deviceKeyCreate = method({
  name: "device/key/create",
  stability: "stable",
  role: "admin",
  localOnly: true,
  params: z.looseObject({
    accountUserId: z.string(),
    clientId: z.string(),
    /** `hardware_only` when it is left out. */
    protectionPolicy: z.enum(["hardware_only", "allow_os_protected_nonextractable"]).nullish(),
  }),
  result: DeviceKey,
  handle({ deviceKeys }, { accountUserId, clientId, protectionPolicy }) {
    checkBinding({ accountUserId, clientId });
    if (protectionPolicy !== "allow_os_protected_nonextractable") {
      throw invalidRequest("hardware-backed device keys are not available on this platform");
    }
    const key = deviceKeys.create({ accountUserId, clientId });
    if (key) return described(key);
    throw invalidRequest(
      "there are too many device keys; remove files that nobody uses from FARHELM_HOME/device-keys",
    );
  },
});

export const deviceKeyPublic = method({
  name: "device/key/public",
  stability: "stable",
  role: "admin",
  retry: "again",
  localOnly: true,
  params: z.looseObject({ keyId: z.string() }),
  result: DeviceKey,
  handle({ deviceKeys }, { keyId }) {
    checkKeyId(keyId);
    const key = deviceKeys.find(keyId);
    if (!key) throw notFound();
    return described(key);
  },
});

export const deviceKeySign = method({
  name: "device/key/sign",
  stability: "stable",
  role: "admin",
  localOnly: true,
  params: z.looseObject({ keyId: z.string(), payload: DeviceKeySignPayload }),
  result: z.object({
    /** ECDSA signature, ASN.1 DER. */
    signatureDerBase64: z.string(),
    /** Exactly the bytes that were signed; who verifies takes these and does not build them anew. */
    signedPayloadBase64: z.string(),
    algorithm: z.literal(algorithm),
  }),
  handle({ deviceKeys }, { keyId, payload }) {
    checkKeyId(keyId);
    checkPayload(payload, Math.floor(Date.now() / 1000));
    const key = deviceKeys.find(keyId);
    if (!key) throw notFound();
    const { accountUserId, clientId } = key.binding;
    if (accountUserId !== payload.accountUserId || clientId !== payload.clientId) {
      throw badPayload("payload accountUserId/clientId does not match device key binding");
    }
    const signed = deviceKeys.sign(keyId, payload);
    if (!signed) throw notFound();
    return {
      signatureDerBase64: base64(signed.signature),
      signedPayloadBase64: base64(signed.signedBytes),
      algorithm,
    } as const;
  },
});

const notFound = (): Error => invalidRequest("device key not found");

const described = ({ keyId, spki }: PublicDeviceKey): z.input<typeof DeviceKey> => ({
  keyId,
  publicKeySpkiDerBase64: base64(spki),
  algorithm,
  protectionClass: "os_protected_nonextractable",
});

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
