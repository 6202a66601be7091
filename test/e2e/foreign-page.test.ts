import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { RequestListener, Server } from "node:http";
import { createServer } from "node:http";
import { join } from "node:path";
import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { chromiumPath, launchChromium, startLimitMs } from "../helpers/chromium.ts";
import { DashboardPage } from "../helpers/dashboard-page.ts";
import { HostProcess } from "../helpers/host-process.ts";

const script = readFileSync(join(import.meta.dirname, "../helpers/foreign-page.mjs"), "utf8");
const routes = `/ /pair /ws /healthz /readyz /ca.crt /.well-known/jwks.json /nothing
  /auth/pair/start /auth/pair/finish /auth/token/start /auth/token/finish
  /auth/connect/start /auth/connect/finish`.split(/\s+/);
/** All but those whose outcome a page is never told. */
const noticeable = `fetch simplePost formPost jsonPost image script style events
  socket plainSocket ticketSocket`.split(/\s+/);

async function serve(answer: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { server, port: address.port };
}

/** A page that belongs to nobody here. */
const foreignPage: RequestListener = ({ url }, response) => {
  const isScript = url === "/page.js";
  response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
  response.end(isScript ? script : '<!doctype html><body><script src="/page.js"></script>');
};

/** A host that lets everybody do everything: what the page must be able to notice. */
const openHost: RequestListener = ({ headers, method }, response) => {
  const asked = headers["sec-fetch-dest"];
  const types: Record<string, string> = { image: "image/svg+xml", script: "text/javascript" };
  response.writeHead(200, {
    "content-type":
      headers.accept === "text/event-stream"
        ? "text/event-stream"
        : asked === "style"
          ? "text/css"
          : (types[String(asked)] ?? "text/html"),
    "access-control-allow-origin": headers.origin ?? "*",
    "access-control-allow-credentials": "true",
    "access-control-allow-headers": "content-type",
  });
  const image = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>';
  response.end(asked === "image" ? image : method === "OPTIONS" ? "" : "\n");
};

describe.skipIf(chromiumPath === undefined)("a page of another origin (needs chromium)", () => {
  let host: HostProcess;
  let browser: Browser;
  /** The browser of a person who is paired, and who opens that page too. */
  let context: BrowserContext;
  let dashboard: DashboardPage;
  let foreign: { server: Server; port: number };
  let open: { server: Server; port: number };
  let assets: readonly string[];
  beforeAll(async () => {
    host = await HostProcess.start();
    foreign = await serve(foreignPage);
    open = await serve(openHost);
    const sockets = new WebSocketServer({
      server: open.server,
      handleProtocols: () => "farhelm.v1",
    });
    sockets.on("connection", (socket) => socket.close());
    browser = await launchChromium();
    context = await browser.newContext();
    dashboard = await DashboardPage.paired(context, await host.firstPairingLink());
    const html = await (await fetch(host.url)).text();
    assets = [...html.matchAll(/(?:src|href)="\.(\/assets\/[^"]+)"/g)].map(([, path = ""]) => path);
  }, startLimitMs);
  afterAll(async () => {
    await browser?.close();
    foreign?.server.close();
    open?.server.close();
    open?.server.closeAllConnections();
    await host?.stop();
  });

  /** What came through to `urls` from a page at `origin`. */
  async function cameThrough(
    origin: string,
    urls: readonly string[],
    socketUrls = urls,
  ): Promise<readonly string[]> {
    const page = await context.newPage();
    await page.goto(origin);
    const outcome: unknown = await page.evaluate(
      `tryAll(${JSON.stringify(urls)}, ${JSON.stringify(socketUrls)})`,
    );
    await page.close();
    if (!Array.isArray(outcome)) throw new Error("The page said nothing.");
    return outcome.map(String);
  }

  const devices = async (): Promise<readonly string[]> => {
    const rows: readonly { id: string }[] = JSON.parse(
      (await host.run("devices", "list", "--json")).out,
    );
    return rows.map(({ id }) => id);
  };

  test("would notice a host that is open", async () => {
    const url = `http://127.0.0.1:${open.port}/`;
    const ways = (await cameThrough(`http://127.0.0.1:${foreign.port}`, [url])).map(
      (line) => line.split(" ")[0],
    );
    expect(ways).toEqual(noticeable);
  });

  test("opens no socket, reads nothing and changes nothing, under any name and on any route", async () => {
    const { port } = new URL(host.url);
    const before = await devices();
    const link = await host.newPairingLink();
    expect(assets.length).toBeGreaterThan(1);
    const pairs = [
      ["127.0.0.1", "localhost"],
      ["localhost", "localhost"],
      ["127.0.0.1", "127.0.0.1"],
    ] as const;
    for (const [from, name] of pairs) {
      const at = (route: string): string => `http://${name}:${port}${route}`;
      const urls = [...routes, ...assets].map(at);
      const sockets = ["/", "/ws", "/nothing", "/auth/connect/finish"].map(at);
      expect(await cameThrough(`http://${from}:${foreign.port}`, urls, sockets)).toEqual([]);
    }
    expect(await devices()).toEqual(before);
    await dashboard.page.reload();
    await dashboard.connected();
    // Wrong guesses lock an offer; none of those that were sent was counted.
    await DashboardPage.paired(await browser.newContext(), link);
    expect(await devices()).toHaveLength(before.length + 1);
  }, 120_000);

  test.each(["/", "/pair"])("cannot show %s in a frame", async (path) => {
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${foreign.port}`);
    const show = (address: string): Promise<unknown> =>
      page.evaluate(`new Promise((done) => {
        const frame = document.createElement("iframe");
        frame.onload = done;
        frame.src = ${JSON.stringify(address)};
        document.body.append(frame);
      })`);
    const shown = (address: string): number =>
      page.frames().filter((frame) => frame.url() === address).length;

    const allowed = `http://127.0.0.1:${foreign.port}/again`;
    await show(allowed);
    expect(shown(allowed)).toBe(1);

    const refused = page.waitForEvent("console", (message) =>
      message.text().includes("frame-ancestors 'none'"),
    );
    await show(new URL(path, host.url).href);
    await refused;
    expect(shown(new URL(path, host.url).href)).toBe(0);
    await page.close();
  });
});
