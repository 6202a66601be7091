import { once } from "node:events";
import { connect } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { rawExchange, upgradeText } from "../helpers/raw-http.ts";
import { startTransport, stopTransports } from "../helpers/running-transport.ts";
import { testCertificate } from "../helpers/test-certificate.ts";

afterEach(stopTransports);

const get = (port: number, headers: readonly string[], target = "/healthz", tls = false) =>
  rawExchange(
    { port, tls },
    `GET ${target} HTTP/1.1\r\n${headers.join("\r\n")}\r\nConnection: close\r\n\r\n`,
  );

const upgrade = (port: number, headers: Readonly<Record<string, string>>) =>
  rawExchange(
    { port },
    upgradeText("/", { Host: `127.0.0.1:${port}`, Authorization: "Bearer good", ...headers }),
  );

describe("Host", () => {
  test("the local names with our port are ours, on requests and upgrades", async () => {
    const { port } = await startTransport();
    for (const name of ["localhost", "127.0.0.1", "[::1]"]) {
      expect((await get(port, [`Host: ${name}:${port}`])).status).toBe(200);
      expect((await upgrade(port, { Host: `${name}:${port}` })).status).toBe(101);
    }
  });

  test("another is refused with a sentence and a next step", async () => {
    const { port } = await startTransport();
    const answer = await get(port, ["Host: evil.example"]);
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body)).toEqual({
      error: {
        code: "host_not_allowed",
        message: "This host does not answer to that name.",
        nextStep:
          "Open the address that `npx farhelm up` printed, or start the host with `--allowed-host NAME`.",
      },
    });
  });

  test("X-Forwarded-Host changes nothing", async () => {
    const { port } = await startTransport({ trustedProxies: ["127.0.0.1"] });
    const evil = await get(port, ["Host: evil.example", `X-Forwarded-Host: localhost:${port}`]);
    expect(evil.status).toBe(403);
  });

  test("allowed names count with our port and, for a TLS proxy, without", async () => {
    const { port } = await startTransport({ allowedHosts: ["box.example.net"] });
    expect((await get(port, [`Host: box.example.net:${port}`])).status).toBe(200);
    expect((await get(port, ["Host: box.example.net"])).status).toBe(200);
    expect((await get(port, ["Host: box.example.net:81"])).status).toBe(403);
  });
});

describe("Origin", () => {
  const publicOrigin = "https://app.example.com";

  test("two Origin headers are refused, also when both are allowed", async () => {
    const { port, url } = await startTransport();
    const origin = `Origin: ${url}`;
    expect((await get(port, [`Host: localhost:${port}`, origin, origin])).status).toBe(400);
  });

  test("the canonical origin, the local ones and the allowed ones pass", async () => {
    const { port, gatekeeper } = await startTransport({
      publicOrigin,
      allowedHosts: ["box.example.net"],
    });
    const origins = [
      publicOrigin,
      `http://localhost:${port}`,
      `http://127.0.0.1:${port}`,
      `http://[::1]:${port}`,
      `http://box.example.net:${port}`,
      "https://box.example.net",
    ];
    for (const origin of origins) {
      expect((await upgrade(port, { Origin: origin })).status).toBe(101);
    }
    expect(gatekeeper.seen.map((facts) => facts.origin)).toEqual(origins);
  });

  test("what a browser marks as another site's fetch is refused without an Origin too", async () => {
    const { port } = await startTransport();
    const from = (site: string, mode: string) =>
      get(
        port,
        [`Host: localhost:${port}`, `Sec-Fetch-Site: ${site}`, `Sec-Fetch-Mode: ${mode}`],
        "/.well-known/jwks.json",
      );
    expect((await from("cross-site", "no-cors")).status).toBe(403);
    expect((await from("same-site", "no-cors")).status).toBe(403);
    expect((await from("same-origin", "cors")).status).toBe(200);
    expect((await from("none", "navigate")).status).toBe(200);
  });
});

const page = (port: number, host: string, target: string, more: readonly string[] = []) =>
  get(port, [`Host: ${host}`, "Accept: text/html,*/*;q=0.8", ...more], target);

describe("the canonical origin of pages", () => {
  test("a page asked for under another local name moves there, with its path and query", async () => {
    const { port, url } = await startTransport();

    const answer = await page(port, `127.0.0.1:${port}`, "/threads?x=1");

    expect(answer.status).toBe(302);
    expect(answer.headers["location"]).toBe(`${url}/threads?x=1`);
    expect((await page(port, `localhost:${port}`, "/")).status).toBe(503);
  });

  test("data, health, calls and forwarded requests stay where they are", async () => {
    const { port } = await startTransport();
    const host = `127.0.0.1:${port}`;
    expect((await page(port, host, "/healthz")).status).toBe(200);
    expect((await page(port, host, "/.well-known/jwks.json")).status).toBe(200);
    expect((await page(port, host, "/ws")).status).toBe(426);
    expect((await page(port, host, "/", ["X-Forwarded-Proto: https"])).status).toBe(503);
    expect((await get(port, [`Host: ${host}`], "/")).status).toBe(503);
  });

  test("with a public origin every other name moves there; without, only the local ones do", async () => {
    const allowedHosts = ["box.example.net"];
    const open = await startTransport({ allowedHosts });
    const named = await startTransport({ allowedHosts, publicOrigin: "https://app.example.com" });

    expect((await page(open.port, `box.example.net:${open.port}`, "/")).status).toBe(503);
    const moved = await page(named.port, `box.example.net:${named.port}`, "/");
    expect(moved.headers["location"]).toBe("https://app.example.com/");
    expect((await page(named.port, "app.example.com", "/")).status).toBe(503);
  });
});

describe("starting", () => {
  test.each(["0.0.0.0", "::", "192.0.2.1"])("refuses %s without TLS", async (host) => {
    await expect(startTransport({ host })).rejects.toThrow(
      `refusing to listen on ${host} without TLS: use \`--lan\`, which makes a certificate, or keep \`--listen 127.0.0.1:PORT\` behind a TLS proxy and name it with \`--public-origin https://NAME\``,
    );
  });

  test("a taken port is named with the option that helps", async () => {
    const { port } = await startTransport();
    await expect(startTransport({ port })).rejects.toThrow(
      `port ${port} on 127.0.0.1 is taken: stop what uses it, or choose another with \`--listen 127.0.0.1:PORT\``,
    );
  });

  test.each([{ publicOrigin: "app.example.com" }, { publicOrigin: "https://app.example.com/x" }])(
    "refuses %j",
    async (options) => {
      await expect(startTransport(options)).rejects.toThrow("--public-origin");
    },
  );

  test.each(["evil.example/path", "user@evil", "Upper.example", "a b", "", "dot.example."])(
    "refuses the allowed host %j",
    async (name) => {
      await expect(startTransport({ allowedHosts: [name] })).rejects.toThrow("--allowed-host");
    },
  );

  test("new TLS keys serve new connections", async () => {
    const { port, transport } = await startTransport({ tls: await testCertificate() });
    const fingerprint = async (): Promise<string> => {
      const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
      await once(socket, "secureConnect");
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const before = await fingerprint();
    transport.renewTls(await testCertificate());
    const after = await fingerprint();
    expect([before, after].map(({ length }) => length)).toEqual([95, 95]);
    expect(after).not.toBe(before);
  });

  test("the gatekeeper is told that a connection is encrypted", async () => {
    const { port, gatekeeper } = await startTransport({ tls: await testCertificate() });
    const headers = { Host: `localhost:${port}`, Authorization: "Bearer none" };
    const { status } = await rawExchange({ port, tls: true }, upgradeText("/", headers));
    expect([status, gatekeeper.seen.map(({ tls }) => tls)]).toEqual([401, [true]]);
  });

  test("`localhost` is served on each of its addresses", async () => {
    const { port, sessions } = await startTransport({ host: "localhost" });
    expect((await upgrade(port, {})).status).toBe(101);
    expect((await get(port, [`Host: localhost:${port}`])).status).toBe(200);
    expect(sessions.opened).toHaveLength(1);
  });

  test("with TLS origins are https, and HSTS spares localhost", async () => {
    const tls = await testCertificate();
    const { port, url } = await startTransport({ tls, allowedHosts: ["box.example.net"] });

    const local = await get(port, [`Host: localhost:${port}`], "/", true);
    const named = await get(port, [`Host: box.example.net:${port}`], "/", true);
    const plain = await get(
      port,
      [`Host: localhost:${port}`, `Origin: http://localhost:${port}`],
      "/healthz",
      true,
    );

    expect(url).toBe(`https://localhost:${port}`);
    expect(local.headers["strict-transport-security"]).toBeUndefined();
    expect(named.headers["strict-transport-security"]).toBe("max-age=31536000");
    expect(local.headers["content-security-policy"]).toContain(`wss://localhost:${port}`);
    expect(plain.status).toBe(403);
  });
});
