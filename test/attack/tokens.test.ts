/** Forged and altered JWTs at the door of a real host: its own and those of other issuers. */
import { createHmac, createPublicKey, sign } from "node:crypto";
import { expect } from "vitest";
import { encodePart, issuerKey } from "../helpers/foreign-issuer.ts";
import type { RawAnswer } from "../helpers/raw-http.ts";
import { attack, type Figures } from "./attack.ts";
import { admittedOf, type Bench } from "./bench.ts";
import {
  forge,
  honest,
  invalidText,
  mustAdmit,
  now,
  signersOf,
  stockIss,
  tally,
  tryAll,
  upgradeWith,
  useTokenHost,
  withClaims,
  withHeaders,
  type Signer,
} from "./token-host.ts";

const host = useTokenHost();

const invalid = { expect: { act: "upgrade.refused", code: "bearer_invalid" } } as const;

/** Tries what `forgeries` makes of each signer's token; every answer must be the uniform one. */
async function forgeAll(
  bench: Bench,
  forgeries: (signer: Signer) => readonly string[],
  texts: readonly string[] = [invalidText],
): Promise<Figures> {
  const signers = await signersOf(bench, host());
  await mustAdmit(bench, signers.map(honest));
  const answers = await tryAll(bench, signers.flatMap(forgeries));
  const said = tally(answers);
  expect(Object.keys(said).filter((text) => !texts.includes(text))).toEqual([]);
  return { tried: answers.length, admitted: admittedOf(answers), signers: signers.length };
}

attack("B1", "alg none in every spelling, with and without a signature", invalid, (bench) =>
  forgeAll(bench, (signer) =>
    ["none", "None", "nOnE", "NONE", "", null, 0, undefined].flatMap((alg) => {
      const input = `${encodePart({ ...signer.header, alg })}.${encodePart(signer.claims)}`;
      return [...withHeaders(signer, { alg }), `${input}.`, `${input}.AA`, input];
    }),
  ),
);

attack("B2", "HMAC with the public key as the secret, in every writing of it", invalid, (bench) =>
  forgeAll(bench, ({ key, header, claims }) => {
    const publicKey = createPublicKey(key.privateKey);
    const pem = String(publicKey.export({ format: "pem", type: "spki" }));
    const secrets = [
      pem,
      pem.trim(),
      ` \n${pem}`,
      `\t${pem}`,
      JSON.stringify(key.jwk),
      JSON.stringify(publicKey.export({ format: "jwk" })),
      publicKey.export({ format: "der", type: "spki" }),
      "",
    ];
    return ["HS256", "HS384", "HS512"].flatMap((alg) =>
      secrets.map((secret) => {
        const input = `${encodePart({ ...header, alg })}.${encodePart(claims)}`;
        const mac = createHmac(alg.replace("HS", "sha"), secret).update(input);
        return `${input}.${mac.digest("base64url")}`;
      }),
    );
  }),
);

attack("B3", "another algorithm of the family, or another encoding", invalid, (bench) =>
  forgeAll(bench, (signer) => {
    const { key, header, claims } = signer;
    const algorithms = ["PS256", "RS512", "RS256", "ES256", "ES384", "ES256K", "EdDSA", "Ed25519"];
    const wrong = algorithms.filter((alg) => alg !== key.algorithm).map((alg) => ({ alg }));
    const lower = { alg: key.algorithm.toLowerCase() };
    const input = `${encodePart(header)}.${encodePart(claims)}`;
    // PSS where PKCS#1 belongs, DER where the bare numbers belong.
    const padding = key.algorithm === "RS256" ? { padding: 6, saltLength: 32 } : {};
    const other =
      key.algorithm === "EdDSA"
        ? Buffer.alloc(64)
        : sign("sha256", Buffer.from(input), { key: key.privateKey, ...padding });
    return [...withHeaders(signer, ...wrong, lower), `${input}.${other.toString("base64url")}`];
  }),
);

attack("B4", "kid absent, unknown, a path, SQL, a number, very long", invalid, async (bench) => {
  const figures = await forgeAll(bench, (signer) => {
    const kids = [
      undefined,
      "",
      "unknown",
      "../../dev/null",
      "/dev/null",
      "' OR 1=1 --",
      1,
      null,
      [signer.key.kid],
      { kid: signer.key.kid },
      "__proto__",
      "constructor",
      ` ${signer.key.kid}`,
      `${signer.key.kid}\0`,
      signer.key.kid.toUpperCase() === signer.key.kid ? "K" : signer.key.kid.toUpperCase(),
      "k".repeat(4000),
    ];
    return withHeaders(signer, ...kids.map((kid) => ({ kid })));
  });
  const [own] = await signersOf(bench, host());
  if (own === undefined) throw new Error("nobody signs");
  const [large = ""] = withHeaders(own, { kid: "k".repeat(1_000_000) });
  const cut = await upgradeWith(bench, large).catch(() => undefined);
  expect([undefined, 431]).toContain(cut?.status);
  return { ...figures, tried: figures.tried + 1 };
});

attack("B5", "headers that bring a key of their own", invalid, (bench) => {
  const mine = issuerKey("RS256");
  return forgeAll(bench, (signer) => {
    const attacker = { ...signer, key: mine };
    return ["jku", "x5u", "jwk", "x5c", "x5t", "crit", "b64"].flatMap((name) =>
      [host().server.url, mine.jwk, [String(mine.jwk["n"])], ["exp"], false].flatMap((value) => {
        const header = { ...signer.header, [name]: value };
        const forged = forge(attacker, { ...header, alg: "RS256", kid: mine.kid }, signer.claims);
        const same = forge(attacker, { ...header, alg: "RS256" }, signer.claims);
        // x5t says which key it is and brings none; what is honestly signed is then good.
        return name === "x5t" ? [forged, same] : [forged, same, ...withHeaders(signer, header)];
      }),
    );
  });
});

/** `exp` as it stands here. */
const spelled = (signer: Signer, exp: string): string =>
  forge(
    signer,
    signer.header,
    JSON.stringify({ ...signer.claims, exp: 0 }).replace('"exp":0', `"exp":${exp}`),
  );

attack(
  "B6",
  "times: absent, past, ahead, no whole numbers; the edges of the grace",
  { expect: [invalid.expect, { act: "upgrade.refused", code: "bearer_expired" }] },
  async (bench) => {
    const figures = await forgeAll(
      bench,
      (signer) => [
        ...withClaims(
          signer,
          { exp: undefined },
          { exp: now() - 1, iat: now() - 60 },
          { exp: now(), iat: now() - 60 },
          { exp: String(now() + 60) },
          { exp: -1 },
          { exp: now() + 60.5 },
          { exp: null },
          { exp: [now() + 60] },
          { exp: now() + 60, iat: now() + 120 },
          { iat: undefined },
          { iat: String(now()) },
          { iat: now() + 30, exp: now() + 60 },
          { nbf: now() + 30 },
          { nbf: "0" },
          { nbf: null },
        ),
        ...["1e400", "NaN", "-1e400", "9007199254740993", "Infinity", "0x7fffffff"].map((exp) =>
          spelled(signer, exp),
        ),
      ],
      [invalidText, "401 expired websocket bearer token"],
    );
    const edges = (await signersOf(bench, host())).flatMap((signer) =>
      withClaims(signer, { iat: now() + 3, nbf: now() + 3, exp: now() + 30 }),
    );
    await mustAdmit(bench, edges);
    return figures;
  },
);

const variants = (value: string): readonly unknown[] => [
  undefined,
  "",
  null,
  1,
  value.slice(0, -1),
  value.slice(1),
  `${value}x`,
  `${value}/`,
  ` ${value}`,
  `${value}\0`,
  value.toUpperCase(),
  [value],
  [value, "other"],
  { value },
];

attack("B7", "iss: a prefix, a suffix, a slash, a list, another issuer's", invalid, (bench) =>
  forgeAll(bench, (signer) => {
    const own = String(signer.claims["iss"]);
    const others = ["urn:farhelm:host:x", stockIss, "https://id.example.com/"];
    return withClaims(
      signer,
      ...[...variants(own), ...others].filter((iss) => iss !== own).map((iss) => ({ iss })),
    );
  }),
);

attack("B8", "aud: absent, a list, another's", invalid, (bench) =>
  forgeAll(bench, (signer) => {
    const own = String(signer.claims["aud"]);
    const others = ["codex-app-server", "farhelm", "https://id.example.com/"];
    return withClaims(
      signer,
      ...[...variants(own), ...others].filter((aud) => aud !== own).map((aud) => ({ aud })),
    );
  }),
);

const twice = (value: object, member: string): string =>
  `{${member},${JSON.stringify(value).slice(1)}`;

attack("B9", "members that stand twice, and __proto__", invalid, (bench) =>
  forgeAll(bench, (signer) => {
    const { header, claims } = signer;
    return [
      forge(signer, twice(header, '"alg":"none"'), claims),
      forge(signer, twice(header, '"kid":"other"'), claims),
      forge(signer, twice(header, '"typ":"JWT","typ":"x"'), claims),
      forge(signer, header, twice(claims, '"exp":9999999999')),
      forge(signer, header, twice(claims, '"x":1,"x":2')),
      forge(signer, header, twice(claims, String.raw`"e\u0078p":9999999999`)),
      forge(signer, header, twice(claims, '"cnf":{"jkt":"a","jkt":"b"}')),
      forge(signer, header, twice(claims, '"__proto__":{"sub":"alice","org":"acme"}')),
      forge(signer, header, twice(claims, '"x":[{"__proto__":1}]')),
      ...withClaims(signer, { sub: undefined, agent_runtime_id: undefined }),
    ];
  }),
);

attack(
  "B10",
  "base64url that is not canonical, other numbers of parts, other JSON",
  invalid,
  (bench) =>
    forgeAll(bench, (signer) => {
      const token = honest(signer);
      const [head = "", body = "", signature = ""] = token.split(".");
      const claims = JSON.stringify(signer.claims);
      // The last character of such a part carries bits that belong to no byte.
      const last = signature.slice(-1);
      const loose = signature.slice(0, -1) + String.fromCodePoint((last.codePointAt(0) ?? 0) + 1);
      return [
        `${token}=`,
        `${token}==`,
        `${head}=.${body}.${signature}`,
        `${head}.${body}==.${signature}`,
        `${head}.${body}.${signature.slice(0, -2)}+/`,
        `${head}.${body}.${loose}`,
        `${head}.${body}`,
        `${token}.`,
        `.${token}`,
        `${token}.${signature}`,
        `${head}..${signature}`,
        `${head}.${body}.`,
        `${head}.${encodePart(`${claims} `)}.${signature}`,
        ...["[]", "null", '"x"', "{", `${claims}x`, `\uFEFF${claims}`].flatMap((text) => [
          forge(signer, signer.header, text),
          forge(signer, text, signer.claims),
        ]),
      ];
    }),
);

attack("B11", "a token of 50 KB, however well it is signed", invalid, async (bench) => {
  const signers = await signersOf(bench, host());
  await mustAdmit(bench, signers.map(honest));
  const inLimits = signers.flatMap((signer) => withClaims(signer, { filler: "x".repeat(8_000) }));
  const answers: RawAnswer[] = [...(await tryAll(bench, inLimits))];
  expect(Object.keys(tally(answers))).toEqual([invalidText]);
  const startedMs = performance.now();
  let cut = 0;
  for (const signer of signers) {
    const [large = ""] = withClaims(signer, { filler: "x".repeat(37_000) });
    const answer = await upgradeWith(bench, large).catch(() => undefined);
    if (answer === undefined) cut += 1;
    else answers.push(answer);
  }
  const ms = Math.round(performance.now() - startedMs);
  expect(ms).toBeLessThan(10_000);
  return { tried: answers.length + cut, admitted: admittedOf(answers), largeMs: ms };
});
