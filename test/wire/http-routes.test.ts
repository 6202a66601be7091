import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AuthError } from "../../src/auth/port.ts";
import { rawExchange } from "../helpers/raw-http.ts";
import { startTransport, stopTransports } from "../helpers/running-transport.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "farhelm-pages-"));
});
afterEach(async () => {
  await stopTransports();
  await rm(folder, { recursive: true });
});

const pairStart = (secret: string, deviceName = "d"): string =>
  JSON.stringify({ secret, deviceName, commitment: "c".repeat(43) });

const post = (url: string, path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${url}${path}`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });

const errorOf = async (answer: Response): Promise<unknown> => JSON.parse(await answer.text());

describe("headers of every answer", () => {
  test("a strict policy, no referrer, no framing, no CORS, no HSTS without TLS, no version", async () => {
    const { url, port } = await startTransport();

    const { headers } = await fetch(`${url}/`);

    expect(headers.get("content-security-policy")).toBe(
      `default-src 'none';script-src 'self';style-src 'self';connect-src 'self' ws://localhost:${port};img-src 'self' data:;font-src 'self';manifest-src 'self';frame-ancestors 'none';base-uri 'none';form-action 'none'`,
    );
    const names = [
      "referrer-policy",
      "x-frame-options",
      "x-content-type-options",
      "cross-origin-opener-policy",
      "cross-origin-resource-policy",
      "strict-transport-security",
      "access-control-allow-origin",
      "server",
      "x-powered-by",
    ];
    expect(Object.fromEntries(names.map((name) => [name, headers.get(name)]))).toEqual({
      "referrer-policy": "no-referrer",
      "x-frame-options": "DENY",
      "x-content-type-options": "nosniff",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "strict-transport-security": null,
      "access-control-allow-origin": null,
      server: null,
      "x-powered-by": null,
    });
  });
});

describe("public routes", () => {
  test.each(["/healthz", "/readyz"])(
    "%s answers 200 and nothing, to anyone local",
    async (path) => {
      const { url } = await startTransport();

      const answer = await fetch(`${url}${path}`);
      const posted = await fetch(`${url}${path}`, { method: "POST", body: "x" });

      expect([answer.status, await answer.text()]).toEqual([200, ""]);
      expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    },
  );

  test("the public keys may be kept for five minutes", async () => {
    const { url } = await startTransport();
    const answer = await fetch(`${url}/.well-known/jwks.json`);
    expect(await answer.json()).toEqual({ keys: [{ kty: "EC", kid: "one" }] });
    expect(answer.headers.get("cache-control")).toBe("public, max-age=300");
  });

  test("the authority's certificate is served where there is one", async () => {
    const without = await startTransport();
    const withCa = await startTransport({ caPem: "-----BEGIN CERTIFICATE-----\n" });

    expect((await fetch(`${without.url}/ca.crt`)).status).toBe(404);
    const answer = await fetch(`${withCa.url}/ca.crt`);
    expect(answer.headers.get("content-type")).toBe("application/x-x509-ca-cert");
    expect(await answer.text()).toBe("-----BEGIN CERTIFICATE-----\n");
  });

  test("a plain GET where a WebSocket is expected gets 426", async () => {
    const { url } = await startTransport();
    const answer = await fetch(`${url}/ws`);
    expect([answer.status, answer.headers.get("upgrade")]).toEqual([426, "websocket"]);
    expect(await errorOf(answer)).toMatchObject({ error: { code: "upgrade_required" } });
  });

  test("anything else is 404 without an echo of what was asked", async () => {
    const { url } = await startTransport();
    for (const path of ["/nothing-here", "/auth/nothing", "/%00", "/..%2f..%2fetc/passwd"]) {
      const answer = await fetch(`${url}${path}`);
      expect(answer.status).toBe(404);
      expect(await errorOf(answer)).toEqual({
        error: {
          code: "not_found",
          message: "There is nothing at this address.",
          nextStep: "The dashboard is at `/`; PROTOCOL.md lists the other addresses.",
        },
      });
    }
  });

  test("a broken address gets 400", async () => {
    const { port } = await startTransport();
    const answer = await rawExchange(
      { port },
      `GET /%zz HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body).error.code).toBe("invalid_address");
  });

  test.each([
    ["no HTTP at all", "\u0016\u0003\u0001\r\n\r\n", 400],
    [
      "two lengths",
      "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      400,
    ],
    [
      "a length and chunks",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      400,
    ],
    ["endless headers", `GET / HTTP/1.1\r\nHost: x\r\nA: ${"a".repeat(20_000)}\r\n\r\n`, 431],
  ])("%s gets a bare status", async (_what, text, status) => {
    const { port } = await startTransport();
    expect(await rawExchange({ port }, text)).toMatchObject({ status, body: "" });
  });
});

describe("the dashboard", () => {
  test("hashed files are kept for ever, pages never, and nothing outside is served", async () => {
    await mkdir(join(folder, "site", "assets"), { recursive: true });
    await writeFile(join(folder, "secret.txt"), "secret");
    await writeFile(join(folder, "site", ".env"), "secret");
    await writeFile(join(folder, "site", "index.html"), "<!doctype html>hello");
    await writeFile(join(folder, "site", "assets", "index-Bx3k9_aQ.js"), "export {}");
    await writeFile(join(folder, "site", "icon.svg"), "<svg/>");
    const { url, port } = await startTransport({ dashboardDir: join(folder, "site") });

    const caching = async (path: string) => {
      const answer = await fetch(`${url}${path}`);
      return [answer.status, answer.headers.get("cache-control")];
    };
    expect(await caching("/")).toEqual([200, "no-store"]);
    expect(await caching("/index.html")).toEqual([200, "no-store"]);
    expect(await (await fetch(`${url}/pair`)).text()).toBe("<!doctype html>hello");
    expect(await caching("/pair")).toEqual([200, "no-store"]);
    expect(await caching("/icon.svg")).toEqual([200, "no-cache"]);
    expect(await caching("/assets/index-Bx3k9_aQ.js")).toEqual([
      200,
      "public, max-age=31536000, immutable",
    ]);
    for (const path of ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/.env"]) {
      const answer = await rawExchange(
        { port },
        `GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`,
      );
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.body).not.toContain("secret");
    }
    expect((await fetch(`${url}/index.html`, { method: "POST" })).status).toBe(404);
  });

  test("where it is not built, a page says how to build it", async () => {
    const { url } = await startTransport({ dashboardDir: join(folder, "absent") });
    const answer = await fetch(`${url}/pair`);
    expect((await fetch(url)).status).toBe(503);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([
      503,
      "text/html; charset=utf-8",
    ]);
    expect(await answer.text()).toContain("<code>npm run build</code>");
  });
});

describe("calls under /auth", () => {
  const start = "/auth/connect/start";
  const challenge = {
    type: "remoteControlClientConnection",
    accountUserId: "u",
    audience: "remote_control_client_websocket",
    clientId: "c",
    nonce: "n",
    scopes: ["remote_control_controller_websocket"],
    sessionId: "s",
    targetOrigin: "http://localhost",
    targetPath: "/ws",
    tokenExpiresAt: 1,
    tokenSha256Base64url: "t",
    accessGeneration: 0,
    knownGeneration: null,
  };

  test("the parsed body, the facts and the bearer go in; what is declared comes out", async () => {
    const { url, authApi } = await startTransport();
    authApi.answers.set(start, { challenge, internal: "not for the wire" });

    const answer = await post(url, start, '{"more":1}', { authorization: "Bearer abc" });

    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
    expect(await answer.json()).toEqual({ challenge });
    expect(authApi.calls).toEqual([
      {
        path: start,
        body: {},
        facts: { address: "127.0.0.1", loopback: true, tls: false, forwarded: false, origin: url },
        bearer: "abc",
      },
    ]);
  });

  test("facts: a forwarded header is told, an address is believed from trusted proxies only", async () => {
    const forwarded = { "x-forwarded-for": "203.0.113.9, 198.51.100.1" };
    const body = pairStart("s");
    const open = await startTransport();
    const behind = await startTransport({ trustedProxies: ["127.0.0.1", "198.51.100.1"] });

    for (const { url } of [open, behind]) await post(url, "/auth/pair/start", body, forwarded);

    expect([open, behind].map(({ authApi }) => authApi.calls[0]?.facts)).toEqual([
      { address: "127.0.0.1", loopback: true, tls: false, forwarded: true, origin: open.url },
      { address: "203.0.113.9", loopback: false, tls: false, forwarded: true, origin: behind.url },
    ]);
  });

  test("a refusal crosses with its status, code, sentence and next step", async () => {
    const { url, authApi, log } = await startTransport();
    const secret = "hush";
    authApi.answers.set("/auth/pair/start", new AuthError(409, "used", "Used already.", "Pair."));

    const answer = await post(url, "/auth/pair/start", pairStart(secret));

    expect(answer.status).toBe(409);
    expect(await errorOf(answer)).toEqual({
      error: { code: "used", message: "Used already.", nextStep: "Pair." },
    });
    expect(log.lines[0]).toEqual({
      level: "warn",
      event: "refused",
      facts: { way: "request", code: "used", status: 409, address: "127.0.0.1" },
    });
    expect(log.text).not.toContain(secret);
  });

  test("an unexpected error says nothing of itself, in the answer or its text in the log", async () => {
    const { url, authApi, log } = await startTransport();
    authApi.answers.set("/auth/pair/start", new TypeError("canary at /home/me"));

    const answer = await post(url, "/auth/pair/start", pairStart("s"));

    expect(answer.status).toBe(500);
    expect(await errorOf(answer)).toEqual({
      error: {
        code: "internal",
        message: "The host failed to answer.",
        nextStep: "Look at the host's log.",
      },
    });
    expect(log.lines[0]).toMatchObject({
      level: "error",
      event: "request_failed",
      facts: { route: "/auth/pair/start", kind: "TypeError" },
    });
    expect(log.text).not.toContain("canary");
  });

  test.each([
    ["text", '{"secret":"s","deviceName":"d"}', { "content-type": "text/plain" }, 415, "not_json"],
    ["a form", "a=b", { "content-type": "application/x-www-form-urlencoded" }, 415, "not_json"],
    ["JSON behind a tab", "{}", { "content-type": "application/json\ta" }, 415, "not_json"],
    ["no JSON", "{", {}, 400, "invalid_json"],
    ["nothing", "", {}, 400, "invalid_json"],
    ["a prototype", '{"__proto__":{"a":1}}', {}, 400, "invalid_json"],
    ["a list", "[]", {}, 400, "invalid_body"],
    ["a wrong member", '{"secret":1,"deviceName":"d"}', {}, 400, "invalid_body"],
    ["65 KiB", JSON.stringify({ secret: "x".repeat(65 * 1024) }), {}, 413, "body_too_large"],
  ])("refuses %s", async (_what, body, headers, status, code) => {
    const { url, authApi } = await startTransport();
    const answer = await post(url, "/auth/pair/start", body, headers);
    expect([answer.status, await errorOf(answer)]).toMatchObject([status, { error: { code } }]);
    expect(authApi.calls).toEqual([]);
  });

  test("a wrong member is named, its value is not repeated", async () => {
    const { url } = await startTransport();
    const answer = await post(url, "/auth/pair/start", '{"secret":["hush"],"deviceName":"d"}');
    expect(await errorOf(answer)).toEqual({
      error: {
        code: "invalid_body",
        message: "The request does not have the right shape: `secret` is missing or wrong.",
        nextStep: "See PROTOCOL.md, the calls under /auth.",
      },
    });
  });

  test("a call that needs the token is refused without, and only POST is a call", async () => {
    const { url, authApi } = await startTransport();
    const answer = await post(url, start, "{}");
    expect([answer.status, await errorOf(answer)]).toMatchObject([
      401,
      { error: { code: "bearer_missing" } },
    ]);
    expect((await fetch(`${url}${start}`)).status).toBe(404);
    expect(authApi.calls).toEqual([]);
  });

  test("calls of one address are counted before anything is read", async () => {
    const { url, authApi, port } = await startTransport({
      caps: { authCallsPerMinute: 3 },
      trustedProxies: ["127.0.0.1"],
    });
    const body = '{"clientId":"c"}';
    for (let call = 0; call < 3; call += 1) await post(url, "/auth/token/start", body);

    const fourth = await post(url, "/auth/token/start", "not even JSON");
    const other = await post(url, "/auth/token/start", body, { "x-forwarded-for": "192.0.2.1" });

    expect([fourth.status, await errorOf(fourth)]).toMatchObject([
      429,
      { error: { code: "too_many_requests" } },
    ]);
    expect(Number(fourth.headers.get("retry-after"))).toBe(20);
    expect(other.status).not.toBe(429);
    expect(authApi.calls).toHaveLength(4);
    expect((await fetch(`http://localhost:${port}/healthz`)).status).toBe(200);
  });

  test("an untrusted X-Forwarded-For does not move the limit", async () => {
    const { url } = await startTransport({ caps: { authCallsPerMinute: 1 } });
    const from = (address: string) =>
      post(url, "/auth/token/start", "{}", { "x-forwarded-for": address });
    await from("192.0.2.1");
    expect((await from("192.0.2.2")).status).toBe(429);
  });
});

describe("the request log", () => {
  test("holds method, route, status and time; no query, header or body", async () => {
    const { url, log } = await startTransport();

    await fetch(`${url}/ca.crt?canary=1`, { headers: { authorization: "Bearer canary" } });
    await fetch(`${url}/canary`);
    await fetch(`${url}/?token=canary`);
    await post(url, "/auth/pair/start", pairStart("canary", "canary"));
    await fetch(`${url}/healthz`);

    expect(log.text).not.toContain("canary");
    expect(log.lines.filter(({ event }) => event === "request").map(({ facts }) => facts)).toEqual([
      { method: "GET", route: "(none)", status: 404, ms: expect.any(Number) },
      { method: "GET", route: "(none)", status: 404, ms: expect.any(Number) },
      { method: "POST", route: "/auth/pair/start", status: 500, ms: expect.any(Number) },
    ]);
  });

  test("a token in the URL of a request is refused with a code", async () => {
    const { url } = await startTransport();
    const answer = await fetch(`${url}/?access_token=abc`);
    expect([answer.status, await errorOf(answer)]).toMatchObject([
      400,
      { error: { code: "credentials_in_url" } },
    ]);
  });
});
