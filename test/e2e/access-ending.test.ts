import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Bench } from "../attack/bench.ts";
import { chromiumPath, launchChromium, startLimitMs } from "../helpers/chromium.ts";
import { DashboardPage } from "../helpers/dashboard-page.ts";

/** Pictures are kept where this says. */
const pictures = process.env["FARHELM_SCREENSHOTS"];
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true } as const;
const limitMs = 120_000;
/** Enough for a page to come back with the warning, on a busy machine too. */
const leftMs = 20_000;

async function look(page: Page, name: string): Promise<void> {
  const wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
  expect([name, wide]).toEqual([name, 0]);
  if (pictures === undefined) return;
  await page.screenshot({ path: join(pictures, `ending-${name}.png`), animations: "disabled" });
}

/** The time as the page's notice writes it. */
const timeOf = async (page: Page, atMs: number): Promise<string> =>
  String(
    await page.evaluate(
      `new Date(${atMs}).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" })`,
    ),
  );

describe.skipIf(chromiumPath === undefined)("a guest's access ends (needs chromium)", () => {
  let bench: Bench;
  let browser: Browser;
  let guest: DashboardPage;
  let guestId: string;
  /** What the guest's page asked of the host's door, and the sockets that it opened. */
  const knocks: string[] = [];
  beforeAll(async () => {
    bench = await Bench.start();
    browser = await launchChromium();
    const context = await browser.newContext(phone);
    await bench.pair("admin");
    // Time goes on as it does; the test can make it jump.
    await context.clock.install();
    context.on("request", (request) => {
      const { pathname } = new URL(request.url());
      if (pathname.startsWith("/auth/")) knocks.push(pathname);
    });
    context.on("page", (page) => page.on("websocket", () => knocks.push("/ws")));
    const { id, url } = await bench.offer("operator");
    guest = await DashboardPage.paired(context, url, () => bench.confirm(id));
    const { data } = await (await bench.admin()).call("farhelm/devices/list");
    const devices = Array.isArray(data) ? data : [];
    guestId = devices.find(({ role }) => role === "operator").id;
  }, startLimitMs);
  afterAll(async () => {
    await browser?.close();
    await bench?.end();
  });

  const change = async (what: object): Promise<unknown> =>
    (await bench.admin()).call("farhelm/devices/change", { id: guestId, ...what });
  const notice = () => guest.page.locator(".access-notice");

  test(
    "the page says when, over whatever is open",
    async () => {
      await guest.startThread("what can you do?");
      await guest.messages.getByText(/offline agent: a small script/).waitFor();
      expect(await notice().count()).toBe(0);
      const expiresAtMs = Date.now() + 4 * 60_000;
      await change({ expiresAtMs });
      await notice().waitFor();
      const time = await timeOf(guest.page, expiresAtMs);
      expect(await notice().textContent()).toBe(
        `This browser's access ends at ${time}. An admin can prolong it.`,
      );
      // Nothing is covered: who clicks there would hit it.
      const back = guest.page.getByRole("link", { name: "Back to the threads" });
      await back.click({ trial: true });
      await guest.page.getByRole("textbox", { name: "Message", exact: true }).click();
      await look(guest.page, "thread");
    },
    limitMs,
  );

  test(
    "the warning goes when an admin prolongs the access",
    async () => {
      await change({ expiresAtMs: Date.now() + 24 * 60 * 60_000 });
      await notice().waitFor({ state: "detached" });
      await guest.say("run echo still-here");
      await guest.messages.getByText("still-here").first().waitFor();
      expect(await notice().count()).toBe(0);
    },
    limitMs,
  );

  test(
    "a lent role has a sentence of its own",
    async () => {
      await change({ role: "admin", roleUntilMs: Date.now() + 4 * 60_000 });
      await notice().getByText("its earlier role").waitFor();
      expect(await notice().textContent()).toMatch(
        /^Until .+ this browser may do more than usual; then its earlier role comes back\.$/,
      );
      await look(guest.page, "role");
    },
    limitMs,
  );

  test(
    "at the end the page says why and how to come back, and leaves the host alone",
    async () => {
      const { page } = guest;
      await change({ role: "operator", roleUntilMs: null, expiresAtMs: Date.now() + leftMs });
      await notice()
        .getByText(/^This browser's access ends at /)
        .waitFor();
      await page.getByRole("heading", { name: "You are signed out" }).waitFor({ timeout: 60_000 });
      expect(await page.getByRole("alert").textContent()).toBe("This device's access has run out.");
      expect(await page.locator(".next-step").textContent()).toContain("npx farhelm pair");
      expect(await page.getByRole("log").count()).toBe(0);
      expect(await notice().count()).toBe(0);
      await look(page, "end");
      const before = knocks.length;
      await page.clock.fastForward("01:00:00");
      await page.evaluate("dispatchEvent(new Event('online'))");
      await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
      await page.clock.fastForward("01:00:00");
      expect(knocks.slice(before)).toEqual([]);
    },
    limitMs,
  );

  test(
    "who tries again is told the same, after one question to the host",
    async () => {
      const { page } = guest;
      const before = knocks.length;
      await page.getByRole("button", { name: "Try again" }).click();
      await page.getByText("Reason: device_expired").waitFor();
      expect(await page.getByRole("alert").textContent()).toBe(
        "The access of this device has expired.",
      );
      await page.getByRole("button", { name: "Copy npx farhelm pair" }).waitFor();
      await page.clock.fastForward("01:00:00");
      await page.evaluate("fetch('/healthz')");
      expect(knocks.slice(before)).toEqual(["/auth/token/start"]);
      expect(guest.faults).toEqual([]);
    },
    limitMs,
  );
});
