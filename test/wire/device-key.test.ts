/** Device keys over control.sock and over TCP, and beside the stock server that has them. */
import { spawn } from "node:child_process";
import { createPublicKey, verify } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { roles } from "../../src/protocol/principal.ts";
import { connection, enrollment, signCases, unknownKeyId } from "../helpers/device-key-cases.ts";
import {
  configFor,
  HostClient,
  startOn,
  stopHosts,
  temporaryHomes,
} from "../helpers/running-host.ts";
import { stockBinary } from "../helpers/stock-binary.ts";

const who = { accountUserId: "account", clientId: "client" };
const relaxed = { ...who, protectionPolicy: "allow_os_protected_nonextractable" };
const nowSeconds = Math.floor(Date.now() / 1000);
const config = configFor("http://127.0.0.1:9/v1");

afterEach(stopHosts);

async function outcome(call: Promise<unknown>): Promise<unknown> {
  return call.catch((error: unknown) => (error instanceof Error ? error.message : error));
}

async function local(): Promise<{ client: HostClient; folder: string }> {
  const homes = temporaryHomes(config);
  await startOn(homes);
  const client = await HostClient.connect(homes);
  return { client, folder: join(homes.farhelmHome, "device-keys") };
}

describe("over control.sock a device key", () => {
  it("is made where the caller admits a file, and signs for its account and client alone", async () => {
    const { client, folder } = await local();
    const made = await client.call("device/key/create", relaxed);
    expect(made).toEqual({
      keyId: expect.stringMatching(/^dk_osn_[\w-]{43}$/),
      publicKeySpkiDerBase64: expect.stringMatching(/^[\w+/]{121}[\w+/=]{3}$/),
      algorithm: "ecdsa_p256_sha256",
      protectionClass: "os_protected_nonextractable",
    });
    const { keyId } = made;
    expect(await client.call("device/key/public", { keyId })).toEqual(made);
    expect(readdirSync(folder)).toEqual([`${String(keyId)}.json`]);

    const publicKey = createPublicKey({
      key: Buffer.from(String(made["publicKeySpkiDerBase64"]), "base64"),
      format: "der",
      type: "spki",
    });
    for (const payload of [connection(nowSeconds), enrollment(nowSeconds)]) {
      const signed = await client.call("device/key/sign", {
        keyId,
        payload: { ...payload, unknown: "left out" },
      });
      const bytes = Buffer.from(String(signed["signedPayloadBase64"]), "base64");
      const sorted = Object.entries(payload).toSorted(([left], [right]) => (left < right ? -1 : 1));
      expect(bytes.toString()).toBe(
        `{"domain":"codex-device-key-sign-payload/v1","payload":${JSON.stringify(Object.fromEntries(sorted))}}`,
      );
      const signature = Buffer.from(String(signed["signatureDerBase64"]), "base64");
      expect(verify("sha256", bytes, publicKey, signature)).toBe(true);
      expect(signed["algorithm"]).toBe("ecdsa_p256_sha256");
    }

    for (const foreign of [{ accountUserId: "another" }, { clientId: "another" }]) {
      const payload = { ...connection(nowSeconds), ...foreign };
      expect(await outcome(client.call("device/key/sign", { keyId, payload }))).toBe(
        "-32600 invalid device key payload: payload accountUserId/clientId does not match device key binding",
      );
    }
  });

  it("is refused under the default policy: there is no hardware for it", async () => {
    const { client, folder } = await local();
    for (const protectionPolicy of [undefined, null, "hardware_only"]) {
      const params = { ...who, protectionPolicy };
      expect(await outcome(client.call("device/key/create", params))).toBe(
        "-32600 hardware-backed device keys are not available on this platform",
      );
    }
    expect(() => readdirSync(folder)).toThrow("ENOENT");
  });

  it("has no ids that would fill the disk", async () => {
    const { client } = await local();
    const params = { ...relaxed, clientId: "x".repeat(513) };
    expect(await outcome(client.call("device/key/create", params))).toBe(
      "-32600 invalid device key payload: clientId must have at most 512 characters",
    );
  });
});

describe("over TCP", () => {
  it("every call is refused to every role, and nothing is made", async () => {
    const homes = temporaryHomes(config);
    const host = await startOn(homes);
    const admin = await HostClient.connect(homes);
    const { keyId } = await admin.call("device/key/create", relaxed);
    const calls = {
      "device/key/create": relaxed,
      "device/key/public": { keyId },
      "device/key/sign": { keyId, payload: connection(nowSeconds) },
    };
    for (const role of roles) {
      const client = await HostClient.connectAs(role, host, admin);
      for (const [method, params] of Object.entries(calls)) {
        expect(await outcome(client.call(method, params))).toBe(
          `-32600 ${method} is not available over remote transports`,
        );
      }
    }
    expect(readdirSync(join(homes.farhelmHome, "device-keys"))).toEqual([`${String(keyId)}.json`]);
  });
});

const stock = stockBinary("0.128.0");
const stockHome = mkdtempSync(join(tmpdir(), "farhelm-stock-keys-"));
afterAll(() => rmSync(stockHome, { recursive: true, force: true }));

/** Errors as "code message"; what follows `Invalid request: ` is a parser's own. */
async function stockOutcomes(
  binary: string,
  calls: readonly { readonly method: string; readonly params: unknown }[],
): Promise<readonly string[]> {
  const child = spawn(binary, ["app-server"], {
    env: { PATH: process.env["PATH"], HOME: stockHome, CODEX_HOME: stockHome },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const ended = once(child, "exit");
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (id: number, method: string, params: unknown): Promise<string> => {
    child.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
    for (;;) {
      const { value, done } = await answers.next();
      if (done) throw new Error("the stock server ended");
      const answer = JSON.parse(value);
      if (answer.id === id) return `${answer.error?.code} ${answer.error?.message}`;
    }
  };
  await ask(0, "initialize", {
    clientInfo: { name: "test", version: "1" },
    capabilities: { experimentalApi: true },
  });
  const said: string[] = [];
  for (const { method, params } of calls) said.push(await ask(said.length + 1, method, params));
  child.kill();
  await ended;
  return said;
}

const withoutParser = (text: string): string => text.replace(/(Invalid request: ).*/s, "$1…");

describe.skipIf(stock === undefined)("needs the stock server 0.128", () => {
  it("refuses the same payloads in the same words and the same order", async () => {
    const cases = signCases(nowSeconds);
    const calls = [
      ...cases.map(({ params }) => ({ method: "device/key/sign", params })),
      ...["", "dk", unknownKeyId].map((keyId) => ({
        method: "device/key/public",
        params: { keyId },
      })),
      { method: "device/key/create", params: { ...who, accountUserId: "" } },
      { method: "device/key/create", params: { ...who, clientId: "" } },
      { method: "device/key/create", params: who },
    ];
    expect(calls.length).toBeGreaterThan(200);
    const { client } = await local();
    const ours = await Promise.all(
      calls.map(({ method, params }) => outcome(client.call(method, params))),
    );
    const theirs = await stockOutcomes(stock ?? "", calls);
    const named = (said: readonly unknown[]): readonly string[] =>
      said.map((text, index) => `${cases[index]?.name}: ${withoutParser(String(text))}`);
    expect(named(ours)).toEqual(named(theirs));
  }, 60_000);
});
