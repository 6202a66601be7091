/** Types of the host's own tokens, and the key that a device's token names, at the door and in the calls that take it. */
import { createPrivateKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { hostActor } from "../../../src/audit/port.ts";
import type { Auth } from "../../../src/auth/auth.ts";
import { AuthError } from "../../../src/auth/port.ts";
import { ConnectStart } from "../../../src/protocol/auth-api.ts";
import { Door, facts, pair, refusalOf, type Paired } from "./door.ts";

const door = new Door();
let auth: Auth;
let paired: Paired;
let hostKey: KeyObject;
let headless: { token: string; id: string; expiresAtMs: number };
let header: Record<string, unknown>;
let claims: Record<string, unknown>;

const Members = z.record(z.string(), z.unknown());
const part = (token: string, index: number): Record<string, unknown> =>
  Members.parse(JSON.parse(Buffer.from(token.split(".")[index] ?? "", "base64url").toString()));
const encode = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const es256 = (key: KeyObject, input: string): string =>
  sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
/** Signed with the host's own key unless another is given: what is refused is refused for its content. */
const forge = (head: unknown, body: unknown, key = hostKey): string => {
  const input = `${encode(head)}.${encode(body)}`;
  return `${input}.${es256(key, input)}`;
};
const admit = (token: string): Promise<unknown> =>
  refusalOf(auth.gatekeeper.admitBearer(token, facts));
const startConnection = (token: string): Promise<unknown> =>
  refusalOf(auth.api.call(ConnectStart.path, {}, facts, token));

beforeAll(async () => {
  auth = await door.open();
  paired = await pair(auth);
  headless = await auth.devices.issueHeadless("ci", "operator", 3_600_000, hostActor);
  const jwk = Members.parse(JSON.parse(readFileSync(join(door.home, "issuer-key.json"), "utf8")));
  hostKey = createPrivateKey({ key: jwk, format: "jwk" });
  header = part(headless.token, 0);
  claims = part(headless.token, 1);
});
afterAll(() => door.remove());

describe("a token of this host", () => {
  it("is admitted when nothing is wrong with it, forged by the same means as below", async () => {
    const admitted = {
      admitted: {
        kind: "headless",
        id: headless.id,
        name: "ci",
        role: "operator",
        ends: { what: "access", atMs: headless.expiresAtMs },
        address: "127.0.0.1",
      },
    };
    expect(await admit(headless.token)).toEqual(admitted);
    expect(await admit(forge(header, claims))).toEqual(admitted);
  });
});

describe("types", () => {
  it.each([
    undefined,
    "JWT",
    "jwt",
    "Farhelm-Headless+jwt",
    "application/farhelm-headless+jwt",
    1,
    null,
  ])("typ %j is refused", async (typ) => {
    expect(await admit(forge({ ...header, typ }, claims))).toBe("bearer_invalid");
  });

  it("a device's token is none for headless clients, and the reverse", async () => {
    expect(await admit(paired.token)).toBe("ticket_needed");
    const asHeadless = forge({ ...header }, { ...claims, sub: paired.clientId });
    expect(await admit(asHeadless)).toBe("bearer_invalid");
    expect(await startConnection(headless.token)).toBe("token_invalid");
    const deviceHeader = part(paired.token, 0);
    expect(await startConnection(forge(deviceHeader, { ...claims }))).toBe("device_unknown");
  });

  it("a device's token without the key's thumbprint, or with another's, is refused", async () => {
    const deviceHeader = part(paired.token, 0);
    const deviceClaims = part(paired.token, 1);
    for (const cnf of [undefined, null, {}, { jkt: 1 }, { jkt: "x".repeat(43) }, "jkt"]) {
      const token = forge(deviceHeader, { ...deviceClaims, cnf });
      expect(await refusalOf(auth.api.call(ConnectStart.path, {}, facts, token))).toBe(
        "token_invalid",
      );
    }
  });

  it.each([undefined, "", 7, null, "tok_unknown"])("sub %j is refused", async (sub) => {
    expect(await admit(forge(header, { ...claims, sub }))).toBe("bearer_invalid");
  });
});

describe("refusals", () => {
  it("read the same for every bad token at the door", async () => {
    const unknown = forge(header, { ...claims, sub: "tok_unknown" });
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const texts = await Promise.all(
      ["x", unknown, forge(header, claims, privateKey)].map((token) =>
        auth.gatekeeper
          .admitBearer(token, facts)
          .catch((error: unknown) =>
            error instanceof AuthError
              ? { status: error.status, message: error.message, nextStep: error.nextStep }
              : error,
          ),
      ),
    );
    const text = {
      status: 401,
      message: "invalid websocket bearer token",
      nextStep: "Run `npx farhelm token` on the host and use the token that it prints.",
    };
    expect(texts).toEqual([text, text, text]);
  });
});
