import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { keysFromFile, keysFromUrl } from "../../../src/crypto/jwks-load.ts";
import { issuerKey } from "../../helpers/foreign-issuer.ts";
import {
  gzipBombAnswer,
  JwksServer,
  keysAnswer,
  largeAnswer,
  redirectAnswer,
  silentAnswer,
  statusAnswer,
  stopJwksServers,
  stuckAnswer,
  textAnswer,
  type JwksAnswer,
} from "../../helpers/jwks-server.ts";

const [rsa, ec, ed] = [issuerKey("RS256"), issuerKey("ES256"), issuerKey("EdDSA")];
const all = [rsa.jwk, ec.jwk, ed.jwk];
const set = JSON.stringify({ keys: all });

afterEach(stopJwksServers);

/** The kids that were usable, or why nothing was. */
async function loaded(answer: JwksAnswer, timeoutMs?: number): Promise<unknown> {
  const { url } = await JwksServer.start(answer);
  return outcome(keysFromUrl(url, timeoutMs)());
}

const outcome = (loading: ReturnType<ReturnType<typeof keysFromUrl>>): Promise<unknown> =>
  loading.then(
    ({ keys }) => [...keys.keys()],
    (error: unknown) => String(error),
  );

describe("keys of a server", () => {
  it("are its usable ones, each for one algorithm", async () => {
    const { url } = await JwksServer.start(keysAnswer(all, "public, max-age=60"));
    const { keys, maxAgeMs } = await keysFromUrl(url)();
    expect([...keys].map(([kid, { algorithm }]) => [kid, algorithm])).toEqual([
      [rsa.kid, "RS256"],
      [ec.kid, "ES256"],
      [ed.kid, "EdDSA"],
    ]);
    expect(maxAgeMs).toBe(60_000);
  });

  it.each([
    [undefined, undefined],
    ["no-store", 0],
    ["no-cache, max-age=600", 0],
    ["max-age=nonsense", undefined],
    ['max-age="5"', 5000],
  ])("with cache-control %s are fresh for %s ms", async (header, ms) => {
    const { url } = await JwksServer.start(keysAnswer(all, header));
    expect((await keysFromUrl(url)()).maxAgeMs).toBe(ms);
  });

  it("that are not for signatures, weak, private or of another kind are left out, the others stay", async () => {
    const spoiled = [
      { ...rsa.jwk, kid: "enc", use: "enc" },
      { ...rsa.jwk, kid: "ops", key_ops: ["encrypt"] },
      { ...rsa.jwk, kid: "alg", alg: "PS256" },
      { ...rsa.jwk, kid: "e", e: "Aw" },
      { ...ec.jwk, kid: "curve", crv: "P-384" },
      { ...ec.jwk, kid: "point", y: ec.jwk["x"] },
      { ...ec.jwk, kid: "private", d: "AAAA" },
      { ...ec.jwk, kid: 7 },
      { ...ec.jwk, kid: undefined },
      // Of order 1: every signature of zeros would hold.
      {
        ...ed.jwk,
        kid: "small",
        x: Buffer.from([1, ...Array<number>(31).fill(0)]).toString("base64url"),
      },
      { kty: "oct", kid: "secret", k: "AAAA" },
      { kty: "RSA", kid: "empty" },
      7,
      null,
      "key",
    ];
    const answer = textAnswer(JSON.stringify({ keys: [...spoiled, ec.jwk] }));
    expect(await loaded(answer)).toEqual([ec.kid]);
  });

  it("of which two share a kid are both left out, whatever they are", async () => {
    const twin = { ...rsa.jwk, kid: ec.kid, use: "enc" };
    expect(await loaded(keysAnswer([ec.jwk, twin, ed.jwk]))).toEqual([ed.kid]);
  });

  it("may be none: that takes all of them away", async () => {
    expect(await loaded(keysAnswer([]))).toEqual([]);
  });

  it.each<[string, JwksAnswer, string]>([
    ["says 500", statusAnswer(500), "the server answered with status 500"],
    ["says 204", statusAnswer(204), "the server answered with status 204"],
    ["is no JSON", textAnswer("<html>"), "it is no JSON Web Key Set"],
    ["is a list", textAnswer("[]"), "it is no JSON Web Key Set"],
    ["has no keys", textAnswer('{"jwks":[]}'), "it is no JSON Web Key Set"],
    ["has keys twice", textAnswer('{"keys":[],"keys":[]}'), "it is no JSON Web Key Set"],
    ["is empty", textAnswer(""), "it is no JSON Web Key Set"],
    [
      "has 101 keys",
      keysAnswer(Array.from({ length: 101 }, () => ec.jwk)),
      "it has more than 100 keys",
    ],
    ["has 20 MB", largeAnswer(all, 20_000_000), "it is larger than 262144 bytes"],
    ["unpacks to 50 MB", gzipBombAnswer(all, 50_000_000), "it is larger than 262144 bytes"],
  ])("are refused where the answer %s", async (_what, answer, why) => {
    expect(await loaded(answer)).toBe(`KeySetError: ${why}`);
  });

  it.each([301, 302, 303, 307, 308])("are not looked for where a %s points", async (status) => {
    const other = await JwksServer.start(keysAnswer(all));
    expect(await loaded(redirectAnswer(other.url, status))).toBe(
      `KeySetError: the server answered with status ${status}`,
    );
    expect(other.asked).toBe(0);
  });

  it.each([
    ["says nothing", silentAnswer],
    ["stops in the middle", stuckAnswer],
  ])("are given up when the server %s", async (_what, answer) => {
    expect(await loaded(answer, 100)).toBe("KeySetError: there was no whole answer within 100 ms");
  });

  it("are refused with the system's code when nobody is there", async () => {
    const server = await JwksServer.start(keysAnswer(all));
    const { url } = server;
    await server.stop();
    expect(await outcome(keysFromUrl(url)())).toBe(
      "KeySetError: the server could not be asked (ECONNREFUSED)",
    );
  });
});

describe("keys of a file", () => {
  it("are read within the same limits", async () => {
    const folder = mkdtempSync(join(tmpdir(), "farhelm-keys-"));
    const file = join(folder, "keys.json");
    const read = (text: string): Promise<unknown> => {
      writeFileSync(file, text);
      return outcome(keysFromFile(file)());
    };
    expect({
      whole: await read(set),
      large: await read(`${set}${" ".repeat(300_000)}`),
      broken: await read(set.slice(1)),
      folder: await outcome(keysFromFile(folder)()),
      missing: await outcome(keysFromFile(join(folder, "none.json"))()),
    }).toEqual({
      whole: [rsa.kid, ec.kid, ed.kid],
      large: "KeySetError: it is larger than 262144 bytes",
      broken: "KeySetError: it is no JSON Web Key Set",
      folder: "KeySetError: it is not a file",
      missing: "KeySetError: the file could not be read (ENOENT)",
    });
    rmSync(folder, { recursive: true });
  });
});
