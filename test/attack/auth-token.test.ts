/** Forged, altered and foreign JWTs against the door and against the calls that take a device's token. */
import {
  createHmac,
  createPrivateKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { hostActor } from "../../src/audit/port.ts";
import type { Auth } from "../../src/auth/auth.ts";
import { AuthError } from "../../src/auth/port.ts";
import { ConnectStart } from "../../src/protocol/auth-api.ts";
import { Door, facts, pair, refusalOf, type Paired } from "../unit/auth/door.ts";

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
const twice = (value: object, member: string): string =>
  `{${member},${JSON.stringify(value).slice(1)}`;
const startConnection = (token: string): Promise<unknown> =>
  refusalOf(auth.api.call(ConnectStart.path, {}, facts, token));
const now = (): number => Math.floor(door.nowMs / 1000);

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
        address: "127.0.0.1",
      },
    };
    expect(await admit(headless.token)).toEqual(admitted);
    expect(await admit(forge(header, claims))).toEqual(admitted);
  });
});

describe("B1-B3: algorithms", () => {
  it.each([
    "none",
    "None",
    "nOnE",
    "HS256",
    "RS256",
    "PS256",
    "ES384",
    "EdDSA",
    "es256",
    "",
    1,
    null,
  ])("alg %j is refused", async (alg) => {
    expect(await admit(forge({ ...header, alg }, claims))).toBe("bearer_invalid");
  });

  it("none without a signature is refused", async () => {
    const input = `${encode({ ...header, alg: "none" })}.${encode(claims)}`;
    expect(await admit(`${input}.`)).toBe("bearer_invalid");
    expect(await admit(`${input}.AA`)).toBe("bearer_invalid");
  });

  it("HMAC with the public key as secret is refused", async () => {
    const [jwk] = auth.api.jwks().keys;
    const pem = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({
      format: "pem",
      type: "spki",
    });
    const input = `${encode({ ...header, alg: "HS256" })}.${encode(claims)}`;
    for (const secret of [JSON.stringify(jwk), String(pem), ` \n${String(pem)}`]) {
      const mac = createHmac("sha256", secret).update(input).digest("base64url");
      expect(await admit(`${input}.${mac}`)).toBe("bearer_invalid");
    }
  });

  it("a DER signature where P1363 belongs is refused", async () => {
    const input = `${encode(header)}.${encode(claims)}`;
    const der = sign("sha256", Buffer.from(input), hostKey).toString("base64url");
    expect(await admit(`${input}.${der}`)).toBe("bearer_invalid");
  });

  it("a signature of another key is refused", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    expect(await admit(forge(header, claims, privateKey))).toBe("bearer_invalid");
  });
});

describe("B4-B5: keys", () => {
  it.each([
    undefined,
    "",
    "unknown",
    "../../dev/null",
    "' OR 1=1 --",
    1,
    null,
    ["x"],
    "__proto__",
    "k".repeat(4000),
  ])("kid %j is refused", async (kid) => {
    expect(await admit(forge({ ...header, kid }, claims))).toBe("bearer_invalid");
  });

  it("a kid of 1 MB is refused", async () => {
    expect(await admit(forge({ ...header, kid: "k".repeat(1_000_000) }, claims))).toBe(
      "bearer_invalid",
    );
  });

  it.each(["jku", "x5u", "jwk", "x5c", "b64", "crit"])(
    "a header with %s is refused",
    async (name) => {
      const values = ["https://localhost/keys", auth.api.jwks().keys[0], [], false, null];
      for (const value of values) {
        expect(await admit(forge({ ...header, [name]: value }, claims))).toBe("bearer_invalid");
      }
    },
  );
});

describe("B6: times", () => {
  it.each<[string, () => Record<string, unknown>, string]>([
    ["exp absent", () => ({ exp: undefined }), "bearer_invalid"],
    ["exp a string", () => ({ exp: String(now() + 60) }), "bearer_invalid"],
    ["exp null", () => ({ exp: null }), "bearer_invalid"],
    ["exp a fraction", () => ({ exp: now() + 60.5 }), "bearer_invalid"],
    ["exp negative", () => ({ exp: -1 }), "bearer_invalid"],
    ["exp past", () => ({ iat: now() - 60, exp: now() - 30 }), "bearer_expired"],
    ["exp just now", () => ({ iat: now() - 60, exp: now() }), "bearer_expired"],
    ["exp before iat", () => ({ exp: now() - 1 }), "bearer_invalid"],
    ["iat absent", () => ({ iat: undefined }), "bearer_invalid"],
    ["iat ahead", () => ({ iat: now() + 6 }), "bearer_invalid"],
    ["iat a string", () => ({ iat: "0" }), "bearer_invalid"],
    ["nbf ahead", () => ({ nbf: now() + 6 }), "bearer_invalid"],
    ["nbf a string", () => ({ nbf: "0" }), "bearer_invalid"],
  ])("%s is refused", async (_, change, code) => {
    expect(await admit(forge(header, { ...claims, ...change() }))).toBe(code);
  });

  it("clocks may differ by five seconds at the beginning and by nothing at the end", async () => {
    const ahead = { ...claims, iat: now() + 5, nbf: now() + 5, exp: now() + 6 };
    expect(await admit(forge(header, ahead))).toMatchObject({ admitted: { id: headless.id } });
  });

  it.each(["1e400", "NaN", "-1e400", "9007199254740993"])("exp %s is refused", async (exp) => {
    const text = JSON.stringify({ ...claims, exp: 0 }).replace('"exp":0', `"exp":${exp}`);
    expect(await admit(forge(header, text))).toBe("bearer_invalid");
  });
});

describe("B7-B8: issuer and audience", () => {
  it.each<[string, (value: string) => unknown]>([
    ["absent", () => undefined],
    ["a prefix", (value) => value.slice(0, -1)],
    ["a suffix added", (value) => `${value}x`],
    ["a trailing slash", (value) => `${value}/`],
    ["upper case", (value) => value.toUpperCase()],
    ["a list", (value) => [value]],
    ["a list with another", (value) => [value, "other"]],
    ["empty", () => ""],
    ["null", () => null],
  ])("%s is refused", async (_, change) => {
    for (const name of ["iss", "aud"]) {
      const body = { ...claims, [name]: change(String(claims[name])) };
      expect(await admit(forge(header, body))).toBe("bearer_invalid");
    }
  });
});

describe("B9-B10: one way to read it", () => {
  it("a member that stands twice is refused, in the header and in the claims, escaped too", async () => {
    for (const [head, body] of [
      [twice(header, '"alg":"none"'), claims],
      [twice(header, '"kid":"other"'), claims],
      [header, twice(claims, '"sub":"admin"')],
      [header, twice(claims, String.raw`"s\u0075b":"admin"`)],
      [header, twice(claims, '"cnf":{"jkt":"a","jkt":"b"}')],
      [header, twice(claims, '"__proto__":{"role":"admin"}')],
      [header, twice(claims, '"x":[{"__proto__":1}]')],
    ]) {
      expect(await admit(forge(head, body))).toBe("bearer_invalid");
    }
  });

  it("a signature over text that is not one JSON object is refused", async () => {
    for (const body of [
      "[]",
      "null",
      '"x"',
      "{",
      `${JSON.stringify(claims)}x`,
      `\uFEFF${JSON.stringify(claims)}`,
    ]) {
      expect(await admit(forge(header, body))).toBe("bearer_invalid");
      expect(await admit(forge(body, claims))).toBe("bearer_invalid");
    }
  });

  it("a token that is not three canonical base64url parts is refused", async () => {
    const { token } = headless;
    const [head = "", body = "", signature = ""] = token.split(".");
    // The last character carries four bits that belong to no byte.
    const loose = signature.slice(0, -1) + String.fromCharCode(signature.charCodeAt(85) + 1);
    for (const altered of [
      "",
      ".",
      "..",
      "x",
      `${token}=`,
      `${token}==`,
      `${head}=.${body}.${signature}`,
      ` ${token}`,
      `${token} `,
      `${token}\n`,
      `${head}.${body}\n.${signature}`,
      `${head}. ${body}.${signature}`,
      `${head}.${body}`,
      `${token}.`,
      `.${token}`,
      `${token}.${signature}`,
      `${head}.${body}.${signature.slice(0, -2)}+/`,
      `${head}.${body}.${loose}`,
      `${head}.${body}.`,
      JSON.stringify({ payload: body, protected: head, signature }),
      `Bearer ${token}`,
    ]) {
      expect(await admit(altered)).toBe("bearer_invalid");
    }
  });

  it("a changed byte anywhere in the signed part is refused", async () => {
    const [head = "", , signature = ""] = headless.token.split(".");
    const body = encode({ ...claims, sub: paired.clientId });
    expect(await admit(`${head}.${body}.${signature}`)).toBe("bearer_invalid");
  });
});

describe("B11: size", () => {
  it("50 KB are refused, well signed as they are", async () => {
    const long = forge(header, { ...claims, filler: "x".repeat(50_000) });
    expect(await admit(long)).toBe("bearer_invalid");
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
