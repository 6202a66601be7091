/** Names and origins: who a page or a caller says it is, and what that is worth. */
import { expect } from "vitest";
import { attack, useHost } from "./attack.ts";
import { admittedOf, codeOf, type Bench } from "./bench.ts";
import type { RawAnswer } from "../helpers/raw-http.ts";

/** One allowed origin beside the host's own, so that its look-alikes can be tried. */
useHost(async () => ({ changes: { allowedHosts: ["https://app.example.com"] } }));

const routes = ["/", "/pair", "/healthz", "/readyz", "/.well-known/jwks.json", "/nothing"];

/** Everything that a page of `origin` may ask for, as a holder of a good token and of a good ticket too. */
async function triesFrom(
  bench: Bench,
  origin: string,
  good: { readonly bearer: string; readonly ticket: string },
): Promise<readonly RawAnswer[]> {
  const headers = { Origin: origin };
  const bearer = { Origin: origin, Authorization: `Bearer ${good.bearer}` };
  return Promise.all([
    ...routes.map((path) => bench.request(path, undefined, { headers })),
    bench.request("/auth/token/start", { clientId: "x" }, { headers }),
    bench.request("/auth/connect/start", {}, { headers, bearer: good.bearer }),
    bench.upgrade(headers),
    bench.upgrade(bearer),
    bench.ticketUpgrade("x".repeat(43), headers),
    bench.ticketUpgrade(good.ticket, headers),
  ]);
}

async function fromOrigins(bench: Bench, origins: readonly string[]) {
  const paired = await bench.pair("admin");
  const good = { bearer: await bench.token("admin"), ticket: await bench.ticket(paired) };
  const answers: RawAnswer[] = [];
  for (const origin of origins) answers.push(...(await triesFrom(bench, origin, good)));
  expect(answers.filter(({ status, body }) => status !== 403 || body !== "")).toEqual([]);
  const shared = answers.flatMap(({ headers }) => Object.keys(headers));
  expect(shared.filter((name) => name.startsWith("access-control"))).toEqual([]);
  // What they held was good: from the host's own page it opens.
  const own = { Origin: bench.url };
  expect((await bench.upgrade({ ...own, Authorization: `Bearer ${good.bearer}` })).status).toBe(
    101,
  );
  expect((await bench.ticketUpgrade(good.ticket)).status).toBe(101);
  return { tried: answers.length, admitted: admittedOf(answers), origins: origins.length };
}

const foreign = [
  { act: "upgrade.refused", code: "origin_not_allowed" },
  { act: "request.refused", code: "origin_not_allowed" },
] as const;

attack(
  "A1",
  "a page of another origin, with and without a good token and a good ticket",
  { expect: foreign },
  (bench) =>
    fromOrigins(bench, [
      "https://evil.example",
      "http://evil.example",
      "http://127.0.0.1:1",
      "chrome-extension://abcdefghijklmnop",
      "file://",
    ]),
);

attack("A2", "an origin that says nothing: null, empty", { expect: foreign }, (bench) =>
  fromOrigins(bench, ["null", ""]),
);

attack("A3", "origins that look like an allowed one", { expect: foreign }, (bench) =>
  fromOrigins(bench, [
    "https://app.example.com.evil.tld",
    "https://evilapp.example.com",
    "http://app.example.com",
    "https://app.example.com:444",
    "https://app.example.com:443",
    "https://APP.example.com",
    "https://app.example.com.",
    "https://xn--pp-8cd.example.com",
    "https://app.example.com@evil.example",
    "https://evil.example#https://app.example.com",
    "https://app.example.com/",
    "https://app.example.com https://evil.example",
    "https://app.example.com,https://evil.example",
    "http://localhost",
    "http://localhost.:PORT".replace("PORT", String(bench.port)),
    "https://localhost:PORT".replace("PORT", String(bench.port)),
  ]),
);

attack(
  "A4",
  "no Origin, with what only a browser sends by itself: cookies and tickets",
  {
    expect: [
      { act: "upgrade.refused", code: "bearer_missing" },
      { act: "upgrade.refused", code: "origin_not_allowed" },
    ],
  },
  async (bench) => {
    const paired = await bench.pair("admin");
    const bearer = await bench.token("admin");
    const ticket = await bench.ticket(paired);
    const cookies = ["farhelm", "session", "token", "Authorization", "farhelm.ticket"].flatMap(
      (name) => [bearer, paired.token, ticket].map((value) => `${name}=${value}`),
    );
    const answers = await Promise.all([
      ...cookies.map((Cookie) => bench.upgrade({ Cookie })),
      bench.ticketUpgrade(ticket, { Origin: undefined }),
      bench.ticketUpgrade(ticket, { Origin: undefined, Cookie: `token=${bearer}` }),
      bench.request("/auth/connect/start", {}, { headers: { Cookie: `token=${paired.token}` } }),
    ]);
    expect((await bench.upgrade({ Authorization: `Bearer ${bearer}` })).status).toBe(101);
    expect((await bench.ticketUpgrade(ticket)).status).toBe(101);
    return { tried: answers.length, admitted: admittedOf(answers) };
  },
);

attack(
  "A7",
  "CORS preflights, for permission to read or to post",
  { expect: { act: "request.refused", code: "origin_not_allowed" } },
  async (bench) => {
    const asked = { "Access-Control-Request-Method": "POST" };
    const more = { "Access-Control-Request-Headers": "authorization, content-type" };
    const network = { "Access-Control-Request-Private-Network": "true" };
    const answers: RawAnswer[] = [];
    for (const Origin of [bench.url, "https://app.example.com", "https://evil.example", "null"]) {
      const headers = { Origin, ...asked, ...more, ...network };
      for (const path of [...routes, "/auth/pair/start", "/auth/connect/start", "/ws"]) {
        answers.push(await bench.request(path, undefined, { method: "OPTIONS", headers }));
        answers.push(await bench.request(path, undefined, { headers: { Origin } }));
      }
    }
    const permissions = answers.flatMap(({ headers }) =>
      Object.keys(headers).filter((name) => name.startsWith("access-control")),
    );
    return { tried: answers.length, admitted: permissions.length };
  },
);

attack(
  "A14",
  "X-Forwarded-* of a peer that is no trusted proxy",
  {
    expect: [
      { act: "request.refused", code: "host_not_allowed" },
      { act: "request.refused", code: "too_many_requests" },
    ],
  },
  async (bench) => {
    const headers = (index: number) => ({
      "X-Forwarded-For": `203.0.113.${index}`,
      Forwarded: `for=203.0.113.${index};host=localhost:${bench.port};proto=https`,
      "X-Real-IP": `203.0.113.${index}`,
    });
    // The limit of one address is not left by naming others.
    const calls = Array.from({ length: 80 }, (_, index) =>
      bench.request("/auth/token/start", { clientId: "x" }, { headers: headers(index) }),
    );
    const codes = (await Promise.all(calls)).map(codeOf);
    const counted = codes.filter((code) => code.startsWith("too_many")).length;
    expect(counted).toBeGreaterThan(0);
    const names = await Promise.all(
      ["evil.example", "localhost"].map((Host) =>
        bench.request("/healthz", undefined, {
          headers: {
            Host,
            "X-Forwarded-Host": `localhost:${bench.port}`,
            "X-Forwarded-Port": String(bench.port),
            "X-Forwarded-Proto": "https",
            Forwarded: `host=localhost:${bench.port};proto=https`,
          },
        }),
      ),
    );
    const page = await bench.request("/", undefined, { headers: { "X-Forwarded-Proto": "https" } });
    expect(page.headers["strict-transport-security"]).toBeUndefined();
    expect(page.headers["set-cookie"]).toBeUndefined();
    return { tried: codes.length + names.length, admitted: admittedOf(names), counted };
  },
);
