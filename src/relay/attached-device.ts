/** What is kept of a host that this machine is a device of: `attach/HOSTFP/device.json`, 0600 in folders of 0700. */
import { chmodSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { DeviceKey, DeviceRecord, KeyStore, KnownGeneration } from "../client/device-key.ts";
import { newP256KeyText, readP256Key } from "../crypto/p256-private-key.ts";
import { readPrivateFile, replacePrivateFile, sweepParts } from "../crypto/private-file.ts";
import { randomSecret } from "../crypto/random.ts";
import { isRecord } from "../util/is-record.ts";
import { makePrivateFolder } from "../util/private-folder.ts";

/** A host as it was pinned when this machine was paired with it. */
export interface KnownHost {
  readonly origin: string;
  /** RFC 7638 thumbprint of its key; names the folder. */
  readonly hostFingerprint: string;
  /** PEM of its development authority, where it has one. */
  readonly caPem: string | undefined;
}

interface Stored extends KnownHost {
  readonly clientId: string;
  readonly keyId: string;
  readonly pkcs8DerBase64: string;
  /** Unix time in milliseconds. */
  readonly pairedAtMs: number;
  /** What the host said of its access generation. */
  readonly known: KnownGeneration | undefined;
}

const curve = { name: "ECDSA", namedCurve: "P-256" } as const;
const fingerprintForm = /^[\w-]{43}$/;

/** The folder `attach` of FARHELM_HOME. */
export class AttachedDevices {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The host that was paired last under this address. */
  find(origin: string): KnownHost | undefined {
    return this.#all()
      .filter((stored) => stored.origin === origin)
      .toSorted((left, right) => right.pairedAtMs - left.pairedAtMs)[0];
  }

  /** The device that this machine is for a host; undefined when it was never paired with it. */
  async load(hostFingerprint: string): Promise<DeviceRecord | undefined> {
    const stored = this.#read(hostFingerprint);
    if (stored === undefined) return undefined;
    const { clientId, keyId, pkcs8DerBase64, known } = stored;
    const key = await deviceKey(keyId, pkcs8DerBase64);
    return { clientId, hostFingerprint, ...key, ...(known && { known }) };
  }

  /** Of a host that is known; what is saved is what the host said of itself since. */
  storeOf(hostFingerprint: string): KeyStore {
    return {
      load: () => this.load(hostFingerprint),
      save: async ({ known }) => {
        const stored = this.#read(hostFingerprint);
        const isNews = (known?.accessGeneration ?? -1) > (stored?.known?.accessGeneration ?? -1);
        if (stored !== undefined && isNews) this.#write({ ...stored, known });
      },
    };
  }

  /** A key for a new pairing, and the store that keeps both once the host knows the device. */
  async prepare(host: KnownHost): Promise<{ key: DeviceKey; store: KeyStore }> {
    const keyId = `dk_osn_${randomSecret()}`;
    const pkcs8DerBase64 = newP256KeyText();
    const save = async ({ clientId, known }: DeviceRecord): Promise<void> => {
      this.#write({ ...host, clientId, keyId, pkcs8DerBase64, pairedAtMs: Date.now(), known });
    };
    const store = { load: () => this.load(host.hostFingerprint), save };
    return { key: await deviceKey(keyId, pkcs8DerBase64), store };
  }

  #write(stored: Stored): void {
    const folder = join(this.#folder, stored.hostFingerprint);
    makePrivateFolder(folder);
    for (const path of [this.#folder, folder]) chmodSync(path, 0o700);
    sweepParts(folder);
    replacePrivateFile(join(folder, "device.json"), `${JSON.stringify(stored)}\n`);
  }

  #all(): readonly Stored[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder)
      .filter((name) => fingerprintForm.test(name))
      .flatMap((name) => this.#read(name) ?? []);
  }

  /** Throws a sentence when the file is there and cannot be used. */
  #read(hostFingerprint: string): Stored | undefined {
    const path = join(this.#folder, hostFingerprint, "device.json");
    const text = readPrivateFile(path);
    if (text === undefined) return undefined;
    const stored = parse(text);
    if (stored?.hostFingerprint === hostFingerprint) return stored;
    throw new Error(
      `${path} cannot be used: restore it, or remove it and attach again with a new pairing link`,
    );
  }
}

async function deviceKey(keyId: string, pkcs8DerBase64: string): Promise<DeviceKey> {
  const der = Buffer.from(pkcs8DerBase64, "base64");
  return {
    privateKey: await crypto.subtle.importKey("pkcs8", der, curve, false, ["sign"]),
    identity: {
      keyId,
      publicKeySpkiDerBase64: readP256Key(pkcs8DerBase64).spki.toString("base64"),
      algorithm: "ecdsa_p256_sha256",
      protectionClass: "os_protected_nonextractable",
    },
  };
}

function parse(text: string): Stored | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return undefined;
    const { origin, hostFingerprint, caPem, clientId, keyId, pkcs8DerBase64, pairedAtMs } = value;
    if (
      typeof origin !== "string" ||
      typeof hostFingerprint !== "string" ||
      (caPem !== undefined && typeof caPem !== "string") ||
      typeof clientId !== "string" ||
      typeof keyId !== "string" ||
      typeof pkcs8DerBase64 !== "string" ||
      typeof pairedAtMs !== "number"
    ) {
      return undefined;
    }
    readP256Key(pkcs8DerBase64);
    const known = generationIn(value["known"]);
    return { origin, hostFingerprint, caPem, clientId, keyId, pkcs8DerBase64, pairedAtMs, known };
  } catch {
    return undefined;
  }
}

function generationIn(value: unknown): KnownGeneration | undefined {
  if (!isRecord(value)) return undefined;
  const { accessGeneration, generationStatement } = value;
  return typeof accessGeneration === "number" && typeof generationStatement === "string"
    ? { accessGeneration, generationStatement }
    : undefined;
}
