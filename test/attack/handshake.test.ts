/** The upgrade itself: its version, its subprotocols, its path, and what HTTP makes of odd requests. */
import { expect } from "vitest";
import { rawExchange, upgradeText, type RawAnswer } from "../helpers/raw-http.ts";
import { attack } from "./attack.ts";
import { auditText } from "./audit-lines.ts";
import { admittedOf, type Bench } from "./bench.ts";

attack(
  "A10",
  "good tokens and tickets in the address",
  {
    expect: [
      { act: "upgrade.refused", code: "credentials_in_url" },
      { act: "request.refused", code: "credentials_in_url" },
    ],
  },
  async (bench) => {
    const paired = await bench.pair("admin");
    const secrets = [await bench.token("admin"), await bench.ticket(paired), paired.token];
    const names = ["token", "access_token", "ticket", "farhelm_t", "TOKEN", "%74oken", "bearer"];
    const targets = secrets.flatMap((secret) => names.map((name) => `/?a=1&${name}=${secret}`));
    const bearer = { Authorization: `Bearer ${secrets[0] ?? ""}` };
    const answers: RawAnswer[] = [];
    for (const target of targets) {
      answers.push(await bench.upgrade({}, target), await bench.upgrade(bearer, target));
      answers.push(await bench.request(target));
    }
    // Under a name that nobody foresaw it is not read, whatever it is.
    for (const secret of secrets) {
      answers.push(await bench.upgrade({}, `/?other=${secret}`));
      expect((await bench.request(`/?other=${secret}`)).body).not.toContain(secret);
    }
    const written = bench.said + auditText(bench.farhelmHome);
    expect(written).toContain("credentials_in_url");
    for (const secret of secrets) {
      expect(written).not.toContain(secret);
      expect(JSON.stringify(answers)).not.toContain(secret);
    }
    return { tried: answers.length, admitted: admittedOf(answers) };
  },
);

attack(
  "A11",
  "other versions of the WebSocket protocol, with a good token",
  { expect: { act: "upgrade.refused", code: "bad_handshake" } },
  async (bench) => {
    const Authorization = `Bearer ${await bench.token("admin")}`;
    const versions = ["8", "12", "14", "0", "13, 8", "013", "13.0", "-13", "", undefined];
    const answers = await Promise.all(
      versions.map((version) => bench.upgrade({ Authorization, "Sec-WebSocket-Version": version })),
    );
    expect(
      answers.map(({ status, headers }) => [status, headers["sec-websocket-version"]]),
    ).toEqual(versions.map(() => [426, "13"]));
    return { tried: answers.length, admitted: admittedOf(answers) };
  },
);

attack(
  "A12",
  "subprotocols: confused, a hundred, and credentials among them",
  {
    expect: [
      { act: "upgrade.refused", code: "ticket_malformed" },
      { act: "upgrade.refused", code: "ticket_missing" },
      { act: "upgrade.refused", code: "subprotocol_missing" },
    ],
  },
  async (bench) => {
    const ticket = await bench.ticket(await bench.pair("admin"));
    const bearer = await bench.token("admin");
    const hundred = Array.from({ length: 100 }, (_, index) => `p${index}`).join(", ");
    const offer = `farhelm.ticket.${ticket}`;
    const wrong = [
      offer,
      "farhelm.v1",
      `farhelm.v1, ${offer}, farhelm.ticket.two`,
      `farhelm.v1, ${offer}, ${offer}`,
      "farhelm.v1, farhelm.ticket.",
      `farhelm.v1, farhelm.ticket.${ticket}=`,
      `Farhelm.V1, ${offer}`,
      `farhelm.v2, ${offer}`,
      `farhelm.v1, bearer.${bearer}`,
      `farhelm.v1, farhelm.ticket.${bearer}`,
      hundred,
      undefined,
    ];
    const answers = await Promise.all(
      wrong.map((offers) => bench.ticketUpgrade(ticket, { "Sec-WebSocket-Protocol": offers })),
    );
    const native = await Promise.all(
      [`farhelm.v1, ${offer}`, `bearer.${bearer}`, hundred].map((offers) =>
        bench.upgrade({ "Sec-WebSocket-Protocol": offers }),
      ),
    );
    // None of these is ever said back, not even where the upgrade is let in for its token.
    const Authorization = `Bearer ${bearer}`;
    const echo = await bench.upgrade({ Authorization, "Sec-WebSocket-Protocol": offer });
    const opened = await bench.ticketUpgrade(ticket, {
      "Sec-WebSocket-Protocol": `${offer},farhelm.v1,${hundred}`,
    });
    expect([echo.status, echo.headers["sec-websocket-protocol"]]).toEqual([101, undefined]);
    expect([opened.status, opened.headers["sec-websocket-protocol"]]).toEqual([101, "farhelm.v1"]);
    const said = JSON.stringify([answers, native, echo, opened]);
    for (const secret of [ticket, bearer]) expect(said).not.toContain(secret);
    const tries = [...answers, ...native];
    return { tried: tries.length, admitted: admittedOf(tries) };
  },
);

/** The status of each answer on one connection, until the host has closed it. */
async function statusesOn(bench: Bench, text: string): Promise<readonly number[]> {
  const socket = bench.rawSocket();
  let received = "";
  socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
  socket.on("error", () => {});
  const closed = new Promise((resolve) => {
    socket.once("close", resolve);
  });
  socket.write(text);
  await closed;
  return [...received.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
}

attack(
  "A13",
  "upgrades that are none: wrong path, method or version, h2c, smuggled and pipelined requests",
  {
    expect: [
      { act: "upgrade.refused", code: "no_socket_here" },
      { act: "upgrade.refused", code: "bad_handshake" },
    ],
  },
  async (bench) => {
    const Authorization = `Bearer ${await bench.token("admin")}`;
    const Host = `localhost:${bench.port}`;
    const paths = ["/healthz", "/auth/connect/start", "/.well-known/jwks.json", "/ca.crt"];
    const answers = await Promise.all([
      ...paths.map((path) => bench.upgrade({ Authorization }, path)),
      ...["POST", "HEAD", "PUT", "DELETE"].map((method) =>
        bench.upgrade({ Authorization }, "/", method),
      ),
      bench.upgrade({ Authorization }, "/", "GET", "1.0"),
      bench.upgrade({
        Authorization,
        Upgrade: "h2c",
        "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA",
      }),
      bench.upgrade({ Authorization, "Sec-WebSocket-Key": undefined }),
      bench.upgrade({ Authorization, "Sec-WebSocket-Key": "AAAA" }),
      bench.upgrade({ Authorization, "Content-Length": "3" }),
      bench.upgrade({ Authorization, "Transfer-Encoding": "chunked" }),
      bench.upgrade({ Authorization, "Transfer-Encoding": "chunked", "Content-Length": "3" }),
      // The preface of HTTP/2, an old HTTP, none.
      bench.raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
      bench.upgrade({ Authorization }, "/", "GET", "0.9"),
      bench.raw("\u0016\u0003\u0001\r\n\r\n"),
    ]);
    // What stands behind a request that was refused is never read as the next one.
    const inner = `GET /.well-known/jwks.json HTTP/1.1\r\nHost: ${Host}\r\n\r\n`;
    const smuggling = [
      `POST /auth/pair/start HTTP/1.1\r\nHost: ${Host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
      `POST /auth/pair/start HTTP/1.1\r\nHost: ${Host}\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}${inner}`,
      `POST /auth/pair/start HTTP/1.1\r\nHost: ${Host}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${inner}`,
      `POST /auth/pair/start HTTP/1.1\r\nHost: ${Host}\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n${inner}`,
      `GET / HTTP/1.1\r\nHost: ${Host}\r\nX: a\rb\r\n\r\n${inner}`,
      upgradeText("/", { Host }) + inner,
      upgradeText("/healthz", { Host, Authorization }) + inner,
    ];
    const outcomes = await Promise.all(smuggling.map((text) => statusesOn(bench, text)));
    for (const statuses of outcomes) {
      expect(statuses).toHaveLength(1);
      expect(statuses[0]).toBeGreaterThanOrEqual(400);
    }
    // Behind a good upgrade it is a frame, and no good one.
    const frames = await bench.raw(upgradeText("/", { Host, Authorization }) + inner);
    expect(frames.status).toBe(101);
    expect(frames.body).not.toContain("keys");
    const extra = outcomes.filter((statuses) => statuses.some((status) => status < 400)).length;
    return {
      tried: answers.length + outcomes.length,
      admitted: admittedOf(answers) + extra,
      smuggled: outcomes.length,
    };
  },
);

attack(
  "A18",
  "no credentials, on loopback",
  {
    expect: [
      { act: "upgrade.refused", code: "bearer_missing" },
      { act: "upgrade.refused", code: "authorization_invalid" },
      { act: "upgrade.refused", code: "ticket_missing" },
    ],
  },
  async (bench) => {
    const { port } = bench;
    const answers = await Promise.all([
      ...["/", "/rpc", "/thread/x"].map((path) => bench.upgrade({}, path)),
      bench.upgrade({ Origin: bench.url, "Sec-WebSocket-Protocol": "farhelm.v1" }, "/ws"),
      ...["", "Basic Zm9v", "Bearer", "Bearer ", "Bearer undefined", "Bearer null"].map(
        (Authorization) => bench.upgrade({ Authorization }),
      ),
      bench.request("/auth/connect/start", {}),
      rawExchange({ port }, upgradeText("/", { Host: `127.0.0.1:${port}` })),
    ]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    return { tried: answers.length, admitted: admittedOf(answers) };
  },
);
