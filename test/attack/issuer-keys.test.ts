/** Key servers of issuers that misbehave, are down, or rotate; and tokens that make a host ask them. */
import { expect } from "vitest";
import { WebSocket } from "ws";
import { issuerKey, signToken, type IssuerKey } from "../helpers/foreign-issuer.ts";
import {
  gzipBombAnswer,
  JwksServer,
  keysAnswer,
  largeAnswer,
  redirectAnswer,
  statusAnswer,
  stuckAnswer,
  textAnswer,
  type JwksAnswer,
} from "../helpers/jwks-server.ts";
import { HostClient } from "../helpers/running-host.ts";
import { attack } from "./attack.ts";
import { admittedOf, Bench } from "./bench.ts";
import {
  mustAdmit,
  now,
  tally,
  tokenHost,
  tryAll,
  upgradeWith,
  useTokenHost,
} from "./token-host.ts";

/** Asks every 0.8 seconds, and serves old keys for three seconds. */
const quick = "refresh_seconds = 1\nmax_stale_seconds = 2";

const host = useTokenHost(quick);

const claims = (more: object = {}): object => ({
  iss: "https://id.example.com/",
  aud: "farhelm",
  sub: "alice",
  iat: now(),
  exp: now() + 600,
  ...more,
});
const tokenOf = (key: IssuerKey, more: object = {}): string => signToken(key, claims(more));

/** How often alice's issuer was asked; the other one of the host has a path of its own. */
const loads = (server: JwksServer): number =>
  server.paths.filter((path) => path === "/keys").length;

/** The host has seen what the server says now: the second request from here on came after it. */
async function seen(server: JwksServer): Promise<void> {
  const before = loads(server);
  await expect
    .poll(() => loads(server), { timeout: 30_000, interval: 100 })
    .toBeGreaterThan(before + 1);
}

/** A connection of alice's by this token. */
const connected = (bench: Bench, token: string): Promise<HostClient> =>
  HostClient.initialized(
    new WebSocket(`ws://127.0.0.1:${bench.port}/`, {
      headers: { authorization: `Bearer ${token}` },
      localAddress: bench.address,
    }),
  );

attack(
  "B12",
  "a storm of unknown kids, and key servers that hang, lie, redirect, flood and rotate",
  {
    expect: [
      { act: "upgrade.refused", code: "bearer_invalid" },
      { act: "access.expire", outcome: "done", code: "keyRemoved" },
    ],
    timeoutMs: 300_000,
  },
  async (bench) => {
    const { server, keys } = host();
    const [good] = keys;
    if (good === undefined) throw new Error("there is no key");
    const goodJwks = keys.map(({ jwk }) => jwk);
    const storm = await unknownKids();
    const forged = await liars(bench, server, goodJwks, good);
    await rotated(bench, server, goodJwks, good);
    const removedMs = await removed(bench, server, goodJwks);
    return {
      tried: storm.tried + forged.tried,
      admitted: storm.admitted + forged.admitted,
      stormLoads: storm.loads,
      stormPerSecond: storm.perSecond,
      keyRemovedMs: removedMs,
    };
  },
);

/** Against a host with the times that hold when nothing is set. */
async function unknownKids() {
  const calm = await tokenHost();
  const bench = await Bench.start(calm.options);
  const [good] = calm.keys;
  if (good === undefined) throw new Error("there is no key");
  await mustAdmit(bench, [tokenOf(good)]);
  const before = loads(calm.server);
  const mine = issuerKey("ES256");
  const tokens = Array.from({ length: 800 }, (_, at) =>
    signToken({ ...mine, kid: `no-${at}` }, claims()),
  );
  const startedMs = performance.now();
  const answers = await tryAll(bench, tokens);
  const ms = performance.now() - startedMs;
  const asked = loads(calm.server) - before;
  // One cool-down is half a minute; the first may just have passed.
  expect(asked).toBeLessThanOrEqual(1 + Math.floor(ms / 30_000));
  await mustAdmit(bench, [tokenOf(good)]);
  await bench.down();
  const perSecond = Math.round((answers.length * 1000) / ms);
  return { tried: answers.length, admitted: admittedOf(answers), loads: asked, perSecond };
}

/** Each serves the attacker's key in a way that must not count; the good keys go on serving. */
async function liars(
  bench: Bench,
  server: JwksServer,
  goodJwks: readonly object[],
  good: IssuerKey,
): Promise<{ tried: number; admitted: number }> {
  const [rsa, ec] = [issuerKey("RS256"), issuerKey("ES256")];
  const evil = [rsa.jwk, ec.jwk];
  const elsewhere = await JwksServer.start(keysAnswer(evil));
  const all = JSON.stringify({ keys: [...goodJwks, ...evil] });
  const answers: readonly (readonly [string, JwksAnswer])[] = [
    ["500", statusAnswer(500)],
    ["404", statusAnswer(404)],
    ["redirect", redirectAnswer(elsewhere.url)],
    ["redirect 308", redirectAnswer(elsewhere.url, 308)],
    ["redirect to metadata", redirectAnswer("http://169.254.169.254/latest/meta-data/")],
    ["redirect to a file", redirectAnswer("file:///etc/passwd")],
    ["20 MB", largeAnswer([...goodJwks, ...evil], 20_000_000)],
    ["gzip bomb", gzipBombAnswer([...goodJwks, ...evil], 30_000_000)],
    ["never ends", stuckAnswer],
    ["no JSON", textAnswer(`${all}x`)],
    ["twice", textAnswer(`{"keys":[],${all.slice(1)}`)],
    ["for encryption", keysAnswer([...goodJwks, ...evil.map((jwk) => ({ ...jwk, use: "enc" }))])],
    [
      "for other work",
      keysAnswer([
        ...goodJwks,
        ...evil.map(({ use: _use, ...jwk }) => ({ ...jwk, key_ops: ["encrypt"] })),
      ]),
    ],
    [
      "mixed kinds",
      keysAnswer([...goodJwks, { ...rsa.jwk, kty: "EC" }, { ...ec.jwk, kty: "RSA" }]),
    ],
    [
      "one kid twice",
      keysAnswer([...goodJwks, ...evil, { ...rsa.jwk, kid: ec.kid }, { ...ec.jwk, kid: rsa.kid }]),
    ],
    [
      "another alg",
      keysAnswer([...goodJwks, { ...rsa.jwk, alg: "PS256" }, { ...ec.jwk, alg: "ES384" }]),
    ],
  ];
  let [tried, admitted] = [0, 0];
  for (const [what, answer] of answers) {
    server.answer = answer;
    // One that hangs is given up after five seconds; then the old keys would be too old.
    if (what !== "never ends") await seen(server);
    const said = await tryAll(
      bench,
      [rsa, ec].map((key) => tokenOf(key)),
    );
    tried += said.length;
    admitted += admittedOf(said);
    expect([what, Object.keys(tally(said)).filter((text) => !refusals.has(text))]).toEqual([
      what,
      [],
    ]);
    server.answer = keysAnswer(goodJwks);
    await expect
      .poll(async () => (await upgradeWith(bench, tokenOf(good))).status, {
        timeout: 30_000,
        interval: 500,
      })
      .toBe(101);
  }
  expect({ elsewhere: elsewhere.asked, paths: [...new Set(server.paths)].toSorted() }).toEqual({
    elsewhere: 0,
    paths: ["/keys", "/keys/stock"],
  });
  return { tried, admitted };
}

const refusals = new Set([
  "401 invalid websocket bearer token",
  "503 The keys of the token's issuer cannot be had now.",
]);

/** Nobody with an honest token is refused while a new key comes and, later, the old one goes. */
async function rotated(
  bench: Bench,
  server: JwksServer,
  goodJwks: readonly object[],
  good: IssuerKey,
): Promise<void> {
  const next = issuerKey("ES256");
  server.answer = keysAnswer([...goodJwks, next.jwk]);
  await mustAdmit(bench, [tokenOf(good)]);
  await seen(server);
  await mustAdmit(bench, [tokenOf(good), tokenOf(next)]);
  server.answer = keysAnswer([next.jwk]);
  await mustAdmit(bench, [tokenOf(next)]);
  await seen(server);
  await mustAdmit(bench, [tokenOf(next)]);
  expect((await upgradeWith(bench, tokenOf(good))).status).toBe(401);
  server.answer = keysAnswer(goodJwks);
  await seen(server);
}

/** How long a connection by a key lasted after the key was gone. */
async function removed(
  bench: Bench,
  server: JwksServer,
  goodJwks: readonly object[],
): Promise<number> {
  const brief = issuerKey("EdDSA");
  server.answer = keysAnswer([...goodJwks, brief.jwk]);
  await seen(server);
  const client = await connected(bench, tokenOf(brief));
  const removedAtMs = performance.now();
  server.answer = keysAnswer(goodJwks);
  expect(await client.closed).toBe(4002);
  const ms = Math.round(performance.now() - removedAtMs);
  // `refresh_seconds` is one second here; the rest is for a slow machine.
  expect(ms).toBeLessThan(20_000);
  return ms;
}

attack(
  "B13",
  "a key server that is down: at the start, and while the host runs",
  { expect: { act: "upgrade.refused", code: "issuer_unavailable" }, timeoutMs: 120_000 },
  async (bench) => {
    const { server, keys } = host();
    const [good] = keys;
    if (good === undefined) throw new Error("there is no key");
    const up = keysAnswer(keys.map(({ jwk }) => jwk));
    await mustAdmit(bench, [tokenOf(good)]);
    const live = await connected(bench, tokenOf(good));
    server.answer = statusAnswer(503);
    const downAtMs = performance.now();
    await seen(server);
    // The last good keys serve for refresh_seconds and max_stale_seconds: three seconds here.
    const lastGood = await upgradeWith(bench, tokenOf(good));
    if (performance.now() - downAtMs < 2_000) expect(lastGood.status).toBe(101);
    await expect
      .poll(async () => (await upgradeWith(bench, tokenOf(good))).status, {
        timeout: 30_000,
        interval: 500,
      })
      .toBe(503);
    const closedWith = await live.closed;
    const staleMs = Math.round(performance.now() - downAtMs);
    const whileDown = await tryAll(
      bench,
      Array.from({ length: 5 }, () => tokenOf(good)),
    );
    expect(tally(whileDown)).toEqual({
      "503 The keys of the token's issuer cannot be had now.": 5,
    });
    expect(closedWith).toBe(4002);

    await bench.down();
    await bench.up();
    const atStart = await tryAll(
      bench,
      Array.from({ length: 5 }, () => tokenOf(good)),
    );
    expect(tally(atStart)).toEqual(tally(whileDown));
    server.answer = up;
    await expect
      .poll(async () => (await upgradeWith(bench, tokenOf(good))).status, {
        timeout: 30_000,
        interval: 500,
      })
      .toBe(101);
    const tried = whileDown.length + atStart.length;
    return { tried, admitted: admittedOf([...whileDown, ...atStart]), staleMs };
  },
);
