/** Device keys in files: `FARHELM_HOME/device-keys/KEYID.json`, 0600 in a folder of 0700. */
import { chmodSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { devicePayloadBytes } from "../crypto/device-payload.ts";
import { newP256KeyText, readP256Key } from "../crypto/p256-private-key.ts";
import { createPrivateFile, readPrivateFile, sweepParts } from "../crypto/private-file.ts";
import { randomSecret } from "../crypto/random.ts";
import { isRecord } from "../util/is-record.ts";
import { makePrivateFolder } from "../util/private-folder.ts";
import type { DeviceKeys, KeyBinding, PublicDeviceKey } from "./port.ts";

/** Far beyond what the programs of one machine need; the protocol has no call that removes a key. */
const maxKeys = 256;

/** `folder` is made when the first key is. */
export function createDeviceKeys(folder: string): DeviceKeys {
  sweepParts(folder);
  return new StoredDeviceKeys(folder);
}

class StoredDeviceKeys implements DeviceKeys {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  create({ accountUserId, clientId }: KeyBinding): PublicDeviceKey | undefined {
    makePrivateFolder(this.#folder);
    chmodSync(this.#folder, 0o700);
    if (readdirSync(this.#folder).length >= maxKeys) return undefined;
    const keyId = `dk_osn_${randomSecret()}`;
    const pkcs8DerBase64 = newP256KeyText();
    const stored = { keyId, accountUserId, clientId, pkcs8DerBase64 };
    createPrivateFile(this.#file(keyId), `${JSON.stringify(stored)}\n`);
    return this.find(keyId);
  }

  find(keyId: string): PublicDeviceKey | undefined {
    const stored = this.#read(keyId);
    return stored && publicPart(keyId, stored);
  }

  sign(
    keyId: string,
    payload: Parameters<typeof devicePayloadBytes>[0],
  ): { signature: Buffer; signedBytes: Buffer } | undefined {
    const stored = this.#read(keyId);
    if (!stored) return undefined;
    const signedBytes = devicePayloadBytes(payload);
    return { signature: stored.key.sign(signedBytes), signedBytes };
  }

  /** A file that is there and cannot be used throws: to say "not found" would make its owner lose it. */
  #read(keyId: string): StoredKey | undefined {
    if (!keyIdForm.test(keyId) || !existsSync(this.#folder)) return undefined;
    const path = this.#file(keyId);
    const text = readPrivateFile(path);
    if (text === undefined) return undefined;
    try {
      return parse(text, keyId);
    } catch (error) {
      throw new Error(`the device key in ${path} cannot be used; restore it or remove the file`, {
        cause: error,
      });
    }
  }

  #file(keyId: string): string {
    return join(this.#folder, `${keyId}.json`);
  }
}

interface StoredKey extends KeyBinding {
  readonly key: ReturnType<typeof readP256Key>;
}

/** An id is a file's name here, so nothing else may reach the disk. */
const keyIdForm = /^dk_osn_[\w-]{43}$/;

function parse(text: string, keyId: string): StoredKey {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value) || value["keyId"] !== keyId) throw new Error("it names another key");
  const { accountUserId, clientId, pkcs8DerBase64 } = value;
  if (
    typeof accountUserId !== "string" ||
    typeof clientId !== "string" ||
    typeof pkcs8DerBase64 !== "string"
  ) {
    throw new Error("a member is missing");
  }
  return { accountUserId, clientId, key: readP256Key(pkcs8DerBase64) };
}

const publicPart = (
  keyId: string,
  { accountUserId, clientId, key }: StoredKey,
): PublicDeviceKey => ({
  keyId,
  spki: key.spki,
  binding: { accountUserId, clientId },
});
