/** What pages of strangers can do in the browser of a person who is paired. */
import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import { DashboardPage } from "../helpers/dashboard-page.ts";
import { upgradeText, type RawAnswer } from "../helpers/raw-http.ts";
import { attack } from "./attack.ts";
import { admittedOf, Bench } from "./bench.ts";
import { cameThrough, inBrowser, lines, possible, Surfing } from "./surfing.ts";

const routes = `/ /pair /ws /healthz /readyz /ca.crt /.well-known/jwks.json /nothing
  /auth/host /auth/pair/start /auth/pair/finish /auth/pair/status /auth/token/start /auth/token/finish
  /auth/connect/start /auth/connect/finish`.split(/\s+/);
/** All ways but those whose outcome a page is never told. */
const noticeable = `fetch simplePost formPost jsonPost image script style events
  socket plainSocket ticketSocket`.split(/\s+/);
/** The name by which the browser finds this machine though it belongs to somebody else. */
const rebound = "attacker.example";

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);
const surfing = new Surfing(`--host-resolver-rules=MAP ${rebound} 127.0.0.1`);

const deviceIds = async (bench: Bench): Promise<unknown> =>
  (await (await bench.admin()).call("farhelm/devices/list"))["data"];

const foreignHosts = (port: number): readonly string[] => [
  "evil.example",
  `${rebound}:${port}`,
  `0.0.0.0:${port}`,
  `[::]:${port}`,
  `127.1:${port}`,
  `127.0.0.2:${port}`,
  `2130706433:${port}`,
  `0x7f000001:${port}`,
  `localhost.:${port}`,
  `LOCALHOST:${port}`,
  "localhost",
  "localhost:1",
  `localhost:${port}@evil.example`,
  `user@localhost:${port}`,
  `localhost:${port}.evil.example`,
  `[::ffff:127.0.0.1]:${port}`,
  "",
];

const get = (target: string, ...headers: readonly string[]): string =>
  `GET ${target} HTTP/1.1\r\n${headers.join("\r\n")}\r\nConnection: close\r\n\r\n`;

/** Every odd way to name a host, on a request and on an upgrade with a good token. */
async function namesTried(bench: Bench, from = bench.address): Promise<readonly RawAnswer[]> {
  const { port } = bench;
  const Authorization = `Bearer ${await bench.token("admin")}`;
  const ours = `Host: localhost:${port}`;
  const texts = [
    ...foreignHosts(port).flatMap((Host) => [
      ...["/healthz", "/", "/.well-known/jwks.json"].map((path) => get(path, `Host: ${Host}`)),
      upgradeText("/", { Host, Authorization }),
    ]),
    get(`http://localhost:${port}/healthz`, ours),
    get(`http://${rebound}/healthz`, ours),
    get("/healthz", ours, "Host: evil.example"),
    get("/healthz", ours, ours),
    get("/healthz", "Accept: */*"),
    upgradeText(`http://localhost:${port}/`, { Host: `localhost:${port}`, Authorization }),
    upgradeText("/", { Host: `localhost:${port}\r\nHost: ${rebound}`, Authorization }),
  ];
  for (const name of ["localhost", "127.0.0.1", "[::1]"]) {
    const own = upgradeText("/", { Host: `${name}:${port}`, Authorization });
    expect((await bench.raw(own, from)).status).toBe(101);
  }
  return Promise.all(texts.map((text) => bench.raw(text, from)));
}

/**
 * The page of `attacker.example:PORT` came from its owner; then the name means this machine, and the host's
 * addresses are of the page's own origin. Runs in that page.
 */
const asOwnOrigin = `(async () => {
  const through = [];
  const post = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
  for (const path of PATHS)
    for (const how of [{}, post]) {
      const answer = await fetch(path, how).catch(() => ({ ok: false }));
      if (answer.ok) through.push("fetch " + path);
    }
  for (const [path, offers] of [["/", []], ["/ws", ["farhelm.v1"]], ["/ws", ["farhelm.v1", "farhelm.ticket.guess"]]])
    await new Promise((done) => {
      const socket = new WebSocket("ws://" + location.host + path, offers);
      socket.onopen = () => { through.push("socket " + path); done(); };
      socket.onerror = done;
    });
  return through;
})()`;

attack(
  "A5",
  "DNS rebinding: names of others that lead here, odd spellings of this machine, two names at once",
  {
    expect: [
      { act: "request.refused", code: "host_not_allowed" },
      { act: "upgrade.refused", code: "host_not_allowed" },
      { act: "request.refused", code: "absolute_target" },
      { act: "request.refused", code: "repeated_header" },
    ],
    timeoutMs: inBrowser.timeoutMs,
  },
  async (bench) => {
    const answers = [...(await namesTried(bench))];
    if (hasIpv6) {
      const six = await Bench.start({ changes: { listen: { host: "::1", port: 0 } } });
      answers.push(...(await namesTried(six, "::1")));
      await six.down();
    }
    const figures = { tried: answers.length, admitted: admittedOf(answers) };
    if (!possible) return { ...figures, chromium: "absent" };

    const page = await (await surfing.browser.newContext()).newPage();
    const address = `http://${rebound}:${bench.port}`;
    const direct = await page.goto(`${address}/healthz`);
    expect(direct?.status()).toBe(403);
    await page.route(`${address}/start`, (route) =>
      route.fulfill({ contentType: "text/html", body: "<!doctype html>before the name moved" }),
    );
    await page.goto(`${address}/start`);
    const through = await lines(page, asOwnOrigin.replace("PATHS", JSON.stringify(routes)));
    expect(through).toEqual([]);
    // The name does lead to this machine: a server without a list of names would have answered.
    await page.goto(`http://${rebound}:${surfing.openPort}/`);
    expect(surfing.seen.at(-1)).toContain(rebound);
    return {
      tried: figures.tried + routes.length * 2 + 4,
      admitted: figures.admitted + through.length,
      inChromium: routes.length * 2 + 4,
    };
  },
);

describe.skipIf(!possible)("the page of strangers (needs chromium)", () => {
  test("would notice a host that is open", async () => {
    const url = `http://127.0.0.1:${surfing.openPort}/`;
    const context = await surfing.browser.newContext();
    const ways = (await cameThrough(context, surfing.foreignAt("127.0.0.1"), [url])).map(
      (line) => line.split(" ")[0],
    );
    expect(ways).toEqual(noticeable);
  });
});

attack(
  "A6",
  "a page of another origin in a paired person's browser tries every way to every route",
  {
    expect: [
      { act: "request.refused", code: "origin_not_allowed" },
      { act: "upgrade.refused", code: "origin_not_allowed" },
    ],
    ...inBrowser,
  },
  async (bench) => {
    const { context, dashboard } = await surfing.paired(bench);
    const html = (await bench.request("/")).body;
    const assets = [...html.matchAll(/(?:src|href)="\.(\/assets\/[^"]+)"/g)].map(([, p]) => p);
    expect(assets.length).toBeGreaterThan(1);
    const before = await deviceIds(bench);
    const { id, url } = await bench.offer("admin");
    const pairs = [
      ["127.0.0.1", "localhost"],
      ["localhost", "localhost"],
      ["127.0.0.1", "127.0.0.1"],
    ] as const;
    const through: string[] = [];
    let tried = 0;
    for (const [from, name] of pairs) {
      const at = (route: string | undefined): string => `http://${name}:${bench.port}${route}`;
      const urls = [...routes, ...assets].map(at);
      const sockets = ["/", "/ws", "/nothing", "/auth/connect/finish"].map(at);
      const origin = surfing.foreignAt(from);
      through.push(...(await cameThrough(context, origin, urls, sockets)));
      tried += urls.length * 12 + sockets.length * 3;
    }
    expect(through).toEqual([]);
    expect(await deviceIds(bench)).toEqual(before);
    await dashboard.page.reload();
    await dashboard.connected();
    // The pairing that was open is open still: nobody redeemed or locked it.
    const fresh = await surfing.browser.newContext();
    await DashboardPage.paired(fresh, url, () => bench.confirm(id));
    return { tried, admitted: through.length };
  },
);

/** Opens a WebSocket and tells whether it did. Runs in a page. */
const opensSocket = (url: string, offers: readonly string[]): string =>
  `new Promise((done) => {
    const socket = new WebSocket(${JSON.stringify(url)}, ${JSON.stringify(offers)});
    socket.onopen = () => done(true);
    socket.onerror = () => done(false);
  })`;

attack(
  "A8",
  "cookies with good tokens, sent along by the browser, in place of a ticket",
  {
    expect: [
      { act: "upgrade.refused", code: "origin_not_allowed" },
      { act: "upgrade.refused", code: "bearer_missing" },
      { act: "upgrade.refused", code: "ticket_missing" },
    ],
    ...inBrowser,
  },
  async (bench) => {
    const { context } = await surfing.paired(bench);
    expect(await context.cookies()).toEqual([]);
    const token = await bench.token("admin");
    const names = ["farhelm", "session", "token", "access_token", "ticket"];
    const site = { domain: "localhost", path: "/", value: token };
    await context.addCookies(names.map((name) => ({ ...site, name })));
    const [host, guess] = [`ws://localhost:${bench.port}`, `farhelm.ticket.${"A".repeat(43)}`];
    const tries = [
      [`${host}/`, []],
      [`${host}/ws`, ["farhelm.v1"]],
      [`${host}/ws`, ["farhelm.v1", guess]],
    ] as const;
    let admitted = 0;
    // The same site, for a port makes no other: the browser sends the cookies, whatever their SameSite.
    for (const origin of [surfing.foreignAt("localhost"), `${bench.url}/healthz`]) {
      const page = await context.newPage();
      await page.goto(origin);
      await page.evaluate(opensSocket(`ws://localhost:${surfing.openPort}/`, []));
      for (const [url, offers] of tries)
        if ((await page.evaluate(opensSocket(url, offers))) === true) admitted += 1;
    }
    const sent = surfing.seen.filter(
      (line) => line.startsWith('["upgrade"') && line.includes(token),
    );
    expect(sent).not.toEqual([]);
    return { tried: tries.length * 2, admitted, cookies: names.length };
  },
);
