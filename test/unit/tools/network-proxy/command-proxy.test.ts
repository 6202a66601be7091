import { once } from "node:events";
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { HostQuestion } from "../../../../src/tools/port.ts";
import { deferred } from "../../../../src/util/deferred.ts";
import {
  listen,
  openTunnel,
  startProxy,
  startSite,
  testRules,
} from "../../../helpers/command-proxy.ts";
import { rawExchange, rawSocket } from "../../../helpers/raw-http.ts";

const get = (host: string, ...headers: readonly string[]): string =>
  [
    `GET http://${host} HTTP/1.1`,
    `Host: ${host.split("/")[0]}`,
    ...headers,
    "Connection: close",
    "",
    "",
  ].join("\r\n");
const open = (target: string): string => `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`;

const established = "HTTP/1.1 200 Connection established\r\n\r\n";

test("a plain request reaches the host that it names, as a request made anew", async () => {
  const site = await startSite();
  const { port } = await startProxy();
  const answer = await rawExchange(
    { port },
    [
      `POST http://SITE.test:${site.port}/a%20b/?q=1#part HTTP/1.1`,
      `Host: elsewhere.test`,
      "Proxy-Authorization: Basic c2VjcmV0",
      "Proxy-Connection: keep-alive",
      "X-Hop: 1",
      "X-Two: 1",
      "X-Two: 2",
      "Connection: close, X-Hop",
      "Content-Length: 4",
      "",
      "body",
    ].join("\r\n"),
  );
  expect({ status: answer.status, body: answer.body }).toEqual({
    status: 200,
    body: "site /a%20b/?q=1\n",
  });
  expect(answer.headers["x-hop"]).toBeUndefined();
  expect(site.seen).toEqual([
    {
      method: "POST",
      path: "/a%20b/?q=1",
      headers: {
        host: [`site.test:${site.port}`],
        connection: ["close"],
        "content-length": ["4"],
        "x-two": ["1", "2"],
      },
      body: "body",
    },
  ]);
});

test("a body in chunks stays a body, whatever the method", async () => {
  const site = await startSite();
  const { port } = await startProxy();
  const inner = `GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n`;
  await rawExchange(
    { port },
    `GET http://site.test:${site.port}/ HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`,
  );
  expect(site.seen.map(({ path, body }) => ({ path, body }))).toEqual([{ path: "/", body: inner }]);
});

test.each([
  ["GET / HTTP/1.1\r\nHost: site.test\r\n\r\n", 400],
  ["GET https://site.test/ HTTP/1.1\r\nHost: site.test\r\n\r\n", 400],
  ["GET ftp://site.test/ HTTP/1.1\r\nHost: site.test\r\n\r\n", 400],
  ["GET http://user:secret@site.test/ HTTP/1.1\r\nHost: site.test\r\n\r\n", 400],
  ["GET http:///x HTTP/1.1\r\nHost: site.test\r\n\r\n", 400],
  ["GET http://site.test:0/ HTTP/1.1\r\nHost: site.test\r\n\r\n", 400],
  ["GET http://site.test/\u0001 HTTP/1.1\r\nHost: site.test\r\n\r\n", 400],
  ["CONNECT site.test HTTP/1.1\r\nHost: site.test\r\n\r\n", 400],
  ["CONNECT http://site.test:443 HTTP/1.1\r\nHost: site.test\r\n\r\n", 400],
  ["CONNECT a@site.test:443 HTTP/1.1\r\nHost: site.test\r\n\r\n", 400],
  [
    "POST http://site.test/ HTTP/1.1\r\nHost: site.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    400,
  ],
  [
    "POST http://site.test/ HTTP/1.1\r\nHost: site.test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n0",
    400,
  ],
  ["GET http://site.test/ HTTP/1.1\r\nHost: site.test\r\nX: a\u0000b\r\n\r\n", 400],
  ["\u0005\u0001\u0000", 400],
])("%j is refused", async (text, status) => {
  const { port } = await startProxy();
  expect((await rawExchange({ port }, text)).status).toBe(status);
});

test("a tunnel carries both ways, also what came with its request, and each end's half end", async () => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let heard = "";
    socket.on("data", (chunk: Buffer) => {
      heard += chunk.toString();
    });
    socket.on("end", () => socket.end(`heard ${heard}`));
  });
  const target = `site.test:${await listen(server)}`;
  const { port } = await startProxy();
  const socket = rawSocket({ port });
  socket.write(`${open(target)}early `);
  let said = "";
  socket.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(socket, "data");
  socket.end("late");
  await once(socket, "close");
  expect(said).toBe(`${established}heard early late`);
});

test("who does not read stops who writes", async () => {
  let accepted = 0;
  const server = createServer((socket) => {
    const chunk = Buffer.alloc(1 << 20);
    const write = (): void => {
      while (accepted < 512 && socket.write(chunk)) accepted += 1;
    };
    socket.on("drain", write);
    write();
  });
  const target = `site.test:${await listen(server)}`;
  const { port } = await startProxy();
  const socket = rawSocket({ port });
  socket.write(open(target));
  await once(socket, "readable");
  let before = -1;
  while (before !== accepted) {
    before = accepted;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(accepted).toBeLessThan(64);
});

test.each([
  ["denied", "evil.test", "network_host_denied", "blocked-by-denylist"],
  ["not listed", "other.test", "network_host_unlisted", "blocked-by-allowlist"],
])("a host that is %s is refused in both ways, with what to do", async (_, host, code, older) => {
  const { port, refused } = await startProxy({ rules: { ...testRules, denied: ["evil.test"] } });
  const plain = await rawExchange({ port }, get(`${host}/`));
  expect(plain.status).toBe(403);
  expect(plain.headers["x-proxy-error"]).toBe(older);
  expect(plain.body).toMatch(new RegExp(`^${code}: [^.]+\\. [^.]+\\.\n$`));
  const tunnel = await rawExchange({ port }, open(`${host}:443`));
  expect({ ...tunnel, headers: undefined }).toEqual({ ...plain, headers: undefined });
  expect(refused).toEqual([`${code} ${host}`, `${code} ${host}`]);
});

test.each([
  ["127.0.0.1:1", "127.0.0.1"],
  ["0x7f.1:1", "127.0.0.1"],
  ["2130706433:1", "127.0.0.1"],
  ["[::1]:1", "::1"],
  ["[::ffff:127.0.0.1]:1", "::ffff:7f00:1"],
  ["0.0.0.0:1", "0.0.0.0"],
  ["localhost:1", "localhost"],
  ["LOCALHOST.:1", "localhost"],
  ["169.254.169.254:80", "169.254.169.254"],
  ["[fd00:ec2::254]:80", "fd00:ec2::254"],
  ["10.0.0.1:80", "10.0.0.1"],
])("%s is nobody's to reach, though every host is allowed", async (target, host) => {
  const { port, refused } = await startProxy({
    rules: { ...testRules, allowed: ["*"], allowsLocal: false },
  });
  expect((await rawExchange({ port }, open(target))).status).toBe(403);
  expect((await rawExchange({ port }, get(`${target}/`))).status).toBe(403);
  expect(refused).toEqual([`network_address_local ${host}`, `network_address_local ${host}`]);
});

test("a name is judged by where it leads at that moment, and nobody is asked again where that is", async () => {
  let reached = 0;
  const site = await listen(createServer(() => void (reached += 1)));
  const answers = [["127.0.0.1"], ["169.254.169.254", "::1"], ["::ffff:127.0.0.1"], ["fe80::1%lo"]];
  const { port, refused } = await startProxy({
    rules: { ...testRules, allowsLocal: false },
    resolve: async () => answers.shift() ?? [],
  });
  for (let at = 0; at < 4; at += 1)
    expect((await rawExchange({ port }, open(`site.test:${site}`))).status).toBe(403);
  expect({ refused, reached }).toEqual({
    refused: Array.from({ length: 4 }, () => "network_address_local site.test"),
    reached: 0,
  });
});

test("of several addresses only those are tried that may be reached", async () => {
  const reached: string[] = [];
  const server = createServer((socket) => void reached.push(socket.localAddress ?? ""));
  const port = await listen(server);
  const other = createServer((socket) => void reached.push(socket.localAddress ?? ""));
  await new Promise<void>((resolve) => {
    other.listen(port, "127.0.0.2", resolve);
  });
  onTestFinished(() => void other.close());
  const proxy = await startProxy({
    rules: { ...testRules, denied: ["127.0.0.2"] },
    resolve: async () => ["127.0.0.2", "127.0.0.1"],
  });
  const { said } = await openTunnel(proxy.port, `site.test:${port}`);
  expect({ said, reached }).toEqual({ said: established, reached: ["127.0.0.1"] });
});

test("only requests that read go out where the network is for reading", async () => {
  const site = await startSite();
  const { port } = await startProxy({ rules: { ...testRules, readsOnly: true } });
  const at = `site.test:${site.port}`;
  const post = `POST http://${at}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
  expect((await rawExchange({ port }, get(`${at}/`))).status).toBe(200);
  expect((await rawExchange({ port }, post)).status).toBe(403);
  expect((await rawExchange({ port }, open(at))).status).toBe(403);
  expect(site.seen.map(({ method }) => method)).toEqual(["GET"]);
});

test("a host that does not answer is one that cannot be reached", async () => {
  const server = createServer();
  const gone = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  const { port, refused } = await startProxy({
    rules: { ...testRules, allowed: ["site.test", "nowhere.test"] },
    resolve: async (host) => {
      if (host === "nowhere.test") throw new Error("no such name");
      return ["127.0.0.1"];
    },
  });
  for (const target of [`site.test:${gone}`, "nowhere.test:80"]) {
    expect((await rawExchange({ port }, open(target))).status).toBe(502);
    expect((await rawExchange({ port }, get(`${target}/`))).status).toBe(502);
  }
  expect(new Set(refused)).toEqual(
    new Set(["network_unreachable site.test", "network_unreachable nowhere.test"]),
  );
});

test.each([
  ["HTTP/1.1 200 a\u0001b\r\nContent-Length: 2\r\n\r\nok", 200],
  ["HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n", 502],
  ["HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nmore", 502],
  ["HTTP/1.1 200 OK\r\nX: a\u0001b\r\nContent-Length: 0\r\n\r\n", 502],
  ["HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 502],
  ["SSH-2.0-OpenSSH\r\n", 502],
  ["", 502],
])("a host that answers %j does no harm", async (answer, status) => {
  const server = createServer((socket) => {
    socket.once("data", () => socket.end(answer));
  });
  const at = `site.test:${await listen(server)}`;
  const { port } = await startProxy();
  expect((await rawExchange({ port }, get(`${at}/`))).status).toBe(status);
});

test("a host that goes away in the middle of its answer takes the connection with it", async () => {
  const server = createServer((socket) => {
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\npart"));
  });
  const at = `site.test:${await listen(server)}`;
  const { port } = await startProxy();
  const socket = rawSocket({ port });
  let said = "";
  socket.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  socket.write(get(`${at}/`));
  await once(socket, "close");
  expect(said).toMatch(/^HTTP\/1.1 200 [^]*part$/);
});

test("a connection waits for the answer about its host", async () => {
  const site = await startSite();
  const answer = deferred<"allowed">();
  const asked: HostQuestion[] = [];
  const { port } = await startProxy({
    ask: async (question) => {
      asked.push(question);
      return answer.promise;
    },
  });
  const at = `new.test:${site.port}`;
  const plain = rawExchange({ port }, get(`${at}/page`));
  const tunnel = openTunnel(port, at);
  while (asked.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(site.seen).toEqual([]);
  answer.resolve("allowed");
  expect([(await plain).body, (await tunnel).said]).toEqual(["site /page\n", established]);
  expect(asked.map(({ protocol }) => protocol).toSorted()).toEqual(["http", "https"]);
  expect(asked[0]).toEqual({ host: "new.test", port: site.port, protocol: asked[0]?.protocol });
});

test.each([
  ["declined", "network_host_declined"],
  ["unanswered", "network_host_unanswered"],
  ["closed", "network_host_unlisted"],
] as const)("an answer of %s is no permission", async (answer, code) => {
  const { port } = await startProxy({ ask: async () => answer });
  expect((await rawExchange({ port }, get("new.test/"))).body).toContain(`${code}: `);
});

test("nobody is asked where the lists are closed, nor about what leads to this machine", async () => {
  let asked = 0;
  const ask = async (): Promise<"allowed"> => {
    asked += 1;
    return "allowed";
  };
  const closed = await startProxy({ ask, rules: { ...testRules, isClosed: true } });
  expect((await rawExchange(closed, get("new.test/"))).body).toContain("network_host_unlisted");
  const { port } = await startProxy({ ask, rules: { ...testRules, allowsLocal: false } });
  expect((await rawExchange({ port }, get("127.0.0.1/"))).body).toContain("network_address_local");
  expect(asked).toBe(0);
});

test("everything ends with the command", async () => {
  const server = createServer();
  const gone = new Promise((resolve) => {
    server.on("connection", (socket) => socket.once("close", resolve));
  });
  const target = `site.test:${await listen(server)}`;
  const { port, proxy } = await startProxy();
  const { socket } = await openTunnel(port, target);
  const waiting = rawSocket({ port });
  await once(waiting, "connect");
  proxy.close();
  await Promise.all([gone, once(socket, "close"), once(waiting, "close")]);
  expect([socket.destroyed, waiting.destroyed]).toEqual([true, true]);
});

test("programs find the proxy by their variables, and their own servers past it", async () => {
  const { proxy } = await startProxy({ rules: { ...testRules, allowsLocal: false } });
  const url = "http://127.0.0.1:1234";
  const past = "localhost,127.0.0.1,::1";
  expect(proxy.environment(1234)).toEqual({
    HTTP_PROXY: url,
    http_proxy: url,
    HTTPS_PROXY: url,
    https_proxy: url,
    ALL_PROXY: url,
    all_proxy: url,
    NO_PROXY: past,
    no_proxy: past,
    NODE_USE_ENV_PROXY: "1",
    CODEX_NETWORK_PROXY_ACTIVE: "1",
  });
  const local = await startProxy({
    rules: { ...testRules, allowsLocal: false, allowed: ["localhost"] },
  });
  expect(local.proxy.environment(1)["NO_PROXY"]).toBe("");
});
