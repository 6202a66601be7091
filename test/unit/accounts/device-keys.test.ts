import { createPublicKey, verify } from "node:crypto";
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDeviceKeys } from "../../../src/accounts/device-keys.ts";

const who = { accountUserId: "account", clientId: "client" };
let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "farhelm-keys-"));
  folder = join(root, "device-keys");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function made(): { keyId: string; path: string } {
  const key = createDeviceKeys(folder).create(who);
  if (!key) throw new Error("no key was made");
  return { keyId: key.keyId, path: join(folder, `${key.keyId}.json`) };
}

describe("a device key", () => {
  it("is a file that only its owner reads, in a folder that only its owner opens", () => {
    const { keyId, path } = made();
    expect(keyId).toMatch(/^dk_osn_[\w-]{43}$/);
    expect(Buffer.from(keyId.slice(7), "base64url")).toHaveLength(32);
    expect(readdirSync(folder)).toEqual([`${keyId}.json`]);
    expect([statSync(folder).mode & 0o777, statSync(path).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  it("takes away what others were given of its folder and its file", () => {
    const { keyId, path } = made();
    chmodSync(folder, 0o755);
    chmodSync(path, 0o644);
    const keys = createDeviceKeys(folder);
    keys.create(who);
    keys.find(keyId);
    expect([statSync(folder).mode & 0o777, statSync(path).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  it("is the same after a restart, and signs the sorted bytes with its own key", () => {
    const { keyId } = made();
    const keys = createDeviceKeys(folder);
    const key = keys.find(keyId);
    expect(key).toEqual({ keyId, spki: key?.spki, binding: who });
    const { signature, signedBytes } =
      keys.sign(keyId, { type: "t", clientId: "é", n: ["1"] }) ?? {};
    expect(Buffer.from(signedBytes ?? []).toString()).toBe(
      '{"domain":"codex-device-key-sign-payload/v1","payload":{"clientId":"é","n":["1"],"type":"t"}}',
    );
    const publicKey = createPublicKey({
      key: Buffer.from(key?.spki ?? []),
      format: "der",
      type: "spki",
    });
    expect(
      verify("sha256", signedBytes ?? Buffer.alloc(0), publicKey, signature ?? Buffer.alloc(0)),
    ).toBe(true);
  });

  it("is one of its own each time", () => {
    const keys = createDeviceKeys(folder);
    const [first, second] = [keys.create(who), keys.create(who)];
    expect(first?.keyId).not.toBe(second?.keyId);
    expect(first?.spki).not.toEqual(second?.spki);
  });

  it("is found by its id alone, never by a path", () => {
    const { keyId } = made();
    const keys = createDeviceKeys(folder);
    for (const other of [
      keyId.slice(0, -1),
      `../device-keys/${keyId}`,
      keyId.replace("osn", "tpm"),
      `dk_osn_${"A".repeat(43)}`,
      "",
    ]) {
      expect([keys.find(other), keys.sign(other, {})]).toEqual([undefined, undefined]);
    }
  });

  it.each<[string, (text: string) => string]>([
    ["is no JSON", () => "{"],
    ["names another key", (text) => text.replace(/dk_osn_./, "dk_osn_0-")],
    ["has no key", (text) => text.replace(/"pkcs8DerBase64":"[^"]+"/, '"pkcs8DerBase64":""')],
    ["has a cut key", (text) => text.replace(/("pkcs8DerBase64":"[^"]{40})[^"]+/, "$1")],
    ["has lost a member", (text) => text.replace('"clientId"', '"other"')],
  ])("that cannot be used says where it lies, and not what it holds: %s", (_, spoil) => {
    const { keyId, path } = made();
    const text = readFileSync(path, "utf8");
    writeFileSync(path, spoil(text));
    const secret = /pkcs8DerBase64":"([^"]{20})/.exec(text)?.[1];
    const causes: string[] = [];
    const find = (): void => {
      try {
        createDeviceKeys(folder).find(keyId);
      } catch (error) {
        causes.push(String(error instanceof Error && error.cause));
        throw error;
      }
    };
    expect(find).toThrow(`the device key in ${path} cannot be used; restore it or remove the file`);
    expect(causes.join()).not.toContain(secret);
  });

  it("is refused when there are 256", () => {
    made();
    for (let index = 1; index < 256; index += 1) writeFileSync(join(folder, `k${index}.json`), "");
    expect(createDeviceKeys(folder).create(who)).toBeUndefined();
  });

  it("needs no folder to be unknown", () => {
    expect(createDeviceKeys(folder).find(`dk_osn_${"A".repeat(43)}`)).toBeUndefined();
  });
});
