import { once } from "node:events";
import { WebSocket } from "ws";
import { afterEach, describe, expect, test } from "vitest";
import { rawExchange, rawSocket, readAnswer, upgradeText } from "../helpers/raw-http.ts";
import {
  nativeClient,
  phone,
  script,
  startTransport,
  stopTransports,
  TestClient,
} from "../helpers/running-transport.ts";

afterEach(stopTransports);

const upgrade = (
  port: number,
  changes: Readonly<Record<string, string | undefined>> = {},
  target = "/",
  ...line: string[]
) =>
  rawExchange(
    { port },
    upgradeText(
      target,
      { Host: `127.0.0.1:${port}`, Authorization: "Bearer good", ...changes },
      ...line,
    ),
  );

describe("the native route", () => {
  test("opens on any path with a bearer token, whatever the scheme's case", async () => {
    const { port, sessions, gatekeeper } = await startTransport();

    for (const [target, authorization] of [
      ["/", "Bearer good"],
      ["/rpc", "bearer good"],
      ["/some/path?x=1", "BEARER   good"],
    ]) {
      const answer = await upgrade(port, { Authorization: authorization }, target);
      expect(answer).toEqual({
        status: 101,
        headers: {
          upgrade: "websocket",
          connection: "Upgrade",
          "sec-websocket-accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
          "x-farhelm-ping-interval-ms": "20000",
        },
        body: "",
      });
    }
    expect(sessions.opened.map(({ principal }) => principal)).toEqual([script, script, script]);
    expect(gatekeeper.seen[0]).toEqual({
      address: "127.0.0.1",
      loopback: true,
      tls: false,
      forwarded: false,
      origin: `http://127.0.0.1:${port}`,
    });
  });

  test.each([
    [undefined, "missing websocket bearer token"],
    ["Basic Zm9v", "invalid authorization header"],
    ["Bearer", "invalid authorization header"],
    ["Bearer ", "invalid authorization header"],
    ["good", "invalid authorization header"],
    ["Bearer good twice", "invalid authorization header"],
    ["Bearer wrong", "invalid websocket bearer token"],
  ])("refuses Authorization %j with 401, on loopback too", async (authorization, body) => {
    const { port, sessions } = await startTransport();

    const answer = await upgrade(port, { Authorization: authorization });

    expect(answer).toEqual({
      status: 401,
      headers: {
        connection: "close",
        "content-type": "text/plain; charset=utf-8",
        "content-length": String(body.length),
      },
      body,
    });
    expect(sessions.opened).toEqual([]);
  });

  test("an allowed Origin does not replace the token", async () => {
    const { port, url } = await startTransport();

    expect((await upgrade(port, { Origin: url })).status).toBe(101);
    expect((await upgrade(port, { Origin: url, Authorization: undefined })).body).toBe(
      "missing websocket bearer token",
    );
  });

  test("ignores offered subprotocols, compression and the stock client's compression header", async () => {
    const { port } = await startTransport();
    const hundred = Array.from({ length: 100 }, (_, index) => `p${index}`).join(", ");

    for (const offer of ["farhelm.v1", "bearer.good, farhelm.ticket.abc", hundred]) {
      const answer = await upgrade(port, {
        "Sec-WebSocket-Protocol": offer,
        "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
        "x-codex-app-server-compression": "zstd-stream-v1",
      });
      expect(answer.status).toBe(101);
      expect(Object.keys(answer.headers)).toEqual([
        "upgrade",
        "connection",
        "sec-websocket-accept",
        "x-farhelm-ping-interval-ms",
      ]);
    }
  });

  test("frames that come together with the upgrade are delivered", async () => {
    const { port, sessions } = await startTransport();
    const socket = rawSocket({ port });
    const masked = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);

    socket.write(upgradeText("/", { Host: `127.0.0.1:${port}`, Authorization: "Bearer good" }));
    socket.write(masked);
    const session = await sessions.at(0);
    await session.until(({ texts }) => texts.length > 0);
    socket.destroy();

    expect(session.texts).toEqual(["hi"]);
  });
});

const ticketUpgrade = async (
  offers: string | undefined,
  changes: Record<string, string | undefined> = {},
) => {
  const started = await startTransport();
  started.gatekeeper.tickets.set("once", phone);
  const { port, url } = started;
  const answer = await upgrade(
    port,
    { Authorization: undefined, Origin: url, "Sec-WebSocket-Protocol": offers, ...changes },
    "/ws",
  );
  return { ...started, answer };
};

describe("the browser's route", () => {
  test("a ticket opens one socket; farhelm.v1 is selected in either order, the ticket never echoed", async () => {
    for (const offers of ["farhelm.v1, farhelm.ticket.once", "farhelm.ticket.once,farhelm.v1"]) {
      const { answer, sessions, gatekeeper, url, log } = await ticketUpgrade(offers);
      expect(answer.status).toBe(101);
      expect(answer.headers["sec-websocket-protocol"]).toBe("farhelm.v1");
      expect(JSON.stringify(answer)).not.toContain("once");
      expect(log.text).not.toContain("once");
      expect(sessions.opened.map(({ principal }) => principal)).toEqual([phone]);
      expect(gatekeeper.seen[0]?.origin).toBe(url);
    }
  });

  test("a used ticket opens nothing", async () => {
    const { port, url, sessions } = await ticketUpgrade("farhelm.v1, farhelm.ticket.once");

    const again = await upgrade(
      port,
      { Origin: url, "Sec-WebSocket-Protocol": "farhelm.v1, farhelm.ticket.once" },
      "/ws",
    );

    expect([again.status, again.body]).toEqual([401, "invalid websocket ticket"]);
    expect(sessions.opened).toHaveLength(1);
  });

  test.each([
    ["a ticket without farhelm.v1", "farhelm.ticket.once", 400],
    ["farhelm.v1 without a ticket", "farhelm.v1", 401],
    ["two tickets", "farhelm.v1, farhelm.ticket.once, farhelm.ticket.two", 400],
    ["an empty ticket", "farhelm.v1, farhelm.ticket.", 400],
    ["a ticket that is not base64url", "farhelm.v1, farhelm.ticket.a+b", 400],
    ["no offer", undefined, 400],
    ["another case of the protocol's name", "Farhelm.V1, farhelm.ticket.once", 400],
  ])("refuses %s", async (_what, offers, status) => {
    const { answer, sessions } = await ticketUpgrade(offers);

    expect(answer.status).toBe(status);
    expect(answer.headers["sec-websocket-protocol"]).toBeUndefined();
    expect(sessions.opened).toEqual([]);
  });

  test("needs an Origin even with a ticket, and takes no bearer token instead", async () => {
    const offers = "farhelm.v1, farhelm.ticket.once";
    const without = await ticketUpgrade(offers, { Origin: undefined });
    const bearer = await ticketUpgrade("farhelm.v1", { Authorization: "Bearer good" });

    expect([without.answer.status, without.answer.body]).toEqual([403, ""]);
    expect([bearer.answer.status, bearer.answer.body]).toEqual([401, "missing websocket ticket"]);
  });

  test("a browser's WebSocket class is content with the answer", async () => {
    const { port, url, gatekeeper } = await startTransport();
    gatekeeper.tickets.set("once", phone);

    const client = await new TestClient(
      new WebSocket(`ws://localhost:${port}/ws`, ["farhelm.v1", "farhelm.ticket.once"], {
        origin: url,
      }),
    ).opened();

    expect(client.socket.protocol).toBe("farhelm.v1");
    client.socket.send("hello");
    expect(await client.next()).toBe("echo: hello");
  });
});

const from = (address: string) => ({ "X-Forwarded-For": address });

describe("the handshake itself", () => {
  test("a token in the URL is refused before it is looked at, and never logged", async () => {
    const { port, gatekeeper, log } = await startTransport();

    for (const query of [
      "token=good",
      "access_token=good",
      "ticket=good",
      "farhelm_t=good",
      "TOKEN=good",
      "%74oken=good",
    ]) {
      const answer = await upgrade(port, {}, `/?a=1&${query}`);
      expect(answer.status).toBe(400);
      expect(answer.body).not.toContain("good");
    }
    expect(gatekeeper.seen).toEqual([]);
    expect(log.lines.map(({ facts }) => facts["code"])).toEqual(
      Array.from({ length: 6 }, () => "credentials_in_url"),
    );
    expect(log.text).not.toContain("good");
  });

  test("an upgrade that is not authenticated in time is dropped, and takes no place", async () => {
    const { port, gatekeeper, sessions, transport } = await startTransport({
      timeouts: { upgradeMs: 40 },
      caps: { halfOpen: 1 },
    });
    const release = gatekeeper.hold();

    const answer = await upgrade(port);
    release();

    expect([answer.status, answer.body]).toEqual([408, "Authentication took too long."]);
    expect((await upgrade(port)).status).toBe(101);
    expect(sessions.opened).toHaveLength(1);
    expect(transport.counters.opened).toBe(1);
  });

  test("only so many upgrades wait at a time", async () => {
    const { port, gatekeeper } = await startTransport({ caps: { halfOpen: 2 } });
    const release = gatekeeper.hold();
    const waiting = [upgrade(port), upgrade(port)];
    while (gatekeeper.seen.length < 2) await new Promise((resolve) => setImmediate(resolve));

    const third = await upgrade(port);
    release();

    expect([third.status, third.headers["retry-after"]]).toEqual([503, "10"]);
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([101, 101]);
  });

  test("whoever loses access while being verified does not get in", async () => {
    const { port, gatekeeper, sessions } = await startTransport();
    const release = gatekeeper.hold();
    const waiting = upgrade(port);
    while (gatekeeper.seen.length < 1) await new Promise((resolve) => setImmediate(resolve));

    gatekeeper.end("script", "revoked");
    release();

    expect((await waiting).status).toBe(401);
    expect(sessions.opened).toEqual([]);
  });

  test("headers that never end are dropped", async () => {
    const { port } = await startTransport({ timeouts: { headersMs: 100 } });
    const socket = rawSocket({ port });
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n");
    expect((await readAnswer(socket)).status).toBe(408);
  });

  test("a connection that says nothing is dropped", async () => {
    const { port } = await startTransport({ timeouts: { headersMs: 100 } });
    const socket = rawSocket({ port });
    socket.resume();
    await once(socket, "close");
    expect(socket.destroyed).toBe(true);
  });

  test("too many refused tokens of one address have to wait", async () => {
    const { port } = await startTransport({ caps: { authCallsPerMinute: 2 } });
    const wrong = { Authorization: "Bearer wrong" };

    expect((await upgrade(port, wrong)).status).toBe(401);
    expect((await upgrade(port)).status).toBe(101);
    expect((await upgrade(port, wrong)).status).toBe(401);
    const late = await upgrade(port, wrong);

    expect(late.status).toBe(429);
    expect(Number(late.headers["retry-after"])).toBeGreaterThan(0);
  });

  test("connections of one forwarded address are capped; a closed one frees its place", async () => {
    const { port } = await startTransport({
      caps: { connectionsPerAddress: 2 },
      trustedProxies: ["127.0.0.1"],
    });
    const open = async (address: string) => {
      const client = new TestClient(
        new WebSocket(`ws://127.0.0.1:${port}/`, {
          headers: { authorization: "Bearer good", ...from(address) },
        }),
      );
      return client.opened();
    };
    const first = await open("192.0.2.7");
    await open("192.0.2.7");

    expect((await upgrade(port, from("192.0.2.7"))).status).toBe(503);
    expect((await upgrade(port, from("192.0.2.8"))).status).toBe(101);
    first.socket.close();
    await first.closed;
    expect((await upgrade(port, from("192.0.2.7"))).status).toBe(101);
  });

  test("a refused upgrade, and one whose peer left, give their places back", async () => {
    const { port, gatekeeper } = await startTransport({ caps: { connections: 1 } });
    expect((await upgrade(port, { Authorization: "Bearer wrong" })).status).toBe(401);
    const release = gatekeeper.hold();
    const leaving = rawSocket({ port });
    leaving.write(upgradeText("/", { Host: `127.0.0.1:${port}`, Authorization: "Bearer good" }));
    while (gatekeeper.seen.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect((await upgrade(port)).status).toBe(503);

    leaving.resetAndDestroy();
    release();

    await expect.poll(async () => (await upgrade(port)).status).toBe(101);
  });

  test("direct loopback peers share an address and are not capped by it, only all together", async () => {
    const { port } = await startTransport({ caps: { connectionsPerAddress: 1, connections: 2 } });
    const first = await nativeClient(port);
    await nativeClient(port);

    await expect(nativeClient(port)).rejects.toThrow("HTTP 503");
    first.socket.close();
    await first.closed;
    await nativeClient(port);
  });
});
