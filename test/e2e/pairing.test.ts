import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { root } from "../architecture/tree.ts";
import { Bench } from "../attack/bench.ts";
import { chromiumPath, launchChromium, startLimitMs } from "../helpers/chromium.ts";
import { DashboardPage } from "../helpers/dashboard-page.ts";
import { printedMatrix, readQrCode } from "../helpers/qr-code.ts";
import { hasTmux, Terminal } from "../helpers/terminal.ts";

/** Pictures are kept where this says. */
const pictures = process.env["FARHELM_SCREENSHOTS"];
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true } as const;
const limitMs = 90_000;
const tmux = hasTmux();

const press = (page: Page): Promise<void> =>
  page.getByRole("button", { name: /^(?:Pair|Try again)$/ }).click();

/** The words that the page shows while it waits. */
async function wordsOn(page: Page): Promise<string[]> {
  const list = page.getByRole("list", { name: "Words to compare" });
  await list.waitFor();
  return list.getByRole("listitem").allTextContents();
}
async function isIn(page: Page): Promise<void> {
  await page.getByText("Connected", { exact: true }).filter({ visible: true }).first().waitFor();
  expect(new URL(page.url()).pathname).toBe("/");
}
/** What the page says of a refusal; it must have a next step. */
async function refusedWith(page: Page): Promise<string> {
  const alert = page.getByRole("alert");
  await alert.waitFor();
  const reason = (await alert.getByText(/^Reason: /).textContent()) ?? "";
  const step = await alert.locator(".next-step").textContent();
  expect(step?.length).toBeGreaterThan(20);
  expect(new URL(page.url()).hash).toBe("");
  return reason.replace("Reason: ", "");
}
async function look(page: Page, name: string): Promise<void> {
  const wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
  expect([name, wide]).toEqual([name, 0]);
  if (pictures === undefined) return;
  await page.screenshot({ path: join(pictures, `pairing-${name}.png`), animations: "disabled" });
}

async function type(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: "Code or link" }).fill(text);
  await press(page);
}

describe.skipIf(chromiumPath === undefined)("pairing at phone size (needs chromium)", () => {
  let bench: Bench;
  let browser: Browser;
  let admin: DashboardPage;
  beforeAll(async () => {
    bench = await Bench.start({ changes: { allowedHosts: ["box.test"] } });
    browser = await launchChromium("--host-resolver-rules=MAP box.test 127.0.0.1");
    const context = await browser.newContext({
      permissions: ["clipboard-read", "clipboard-write"],
    });
    admin = await DashboardPage.paired(context, bench.firstLink ?? "");
  }, startLimitMs);
  afterEach(() => bench.moveOn());
  afterAll(async () => {
    await browser?.close();
    await bench?.end();
  });

  const newPhone = (): Promise<BrowserContext> => browser.newContext(phone);
  async function open(url: string): Promise<Page> {
    const page = await (await newPhone()).newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(url);
    return page;
  }
  /** Makes a pairing in the admin's dialog. */
  async function offerInDialog(): Promise<{ url: string; code: string }> {
    const dialog = admin.page.getByRole("dialog", { name: "Devices" });
    if ((await dialog.count()) === 0)
      await admin.page.getByRole("button", { name: /^Devices/ }).click();
    await dialog
      .getByRole("button", { name: /^(?:Make a link|Add another device)/ })
      .first()
      .waitFor();
    const another = dialog.getByRole("button", { name: "Add another device" });
    if ((await another.count()) > 0) await another.click();
    await dialog.getByRole("button", { name: "Make a link and a code" }).click();
    await dialog.getByRole("img", { name: "QR code of the pairing link" }).waitFor();
    await dialog.getByRole("button", { name: "Copy the pairing link" }).click();
    await dialog.getByText("Copied").waitFor();
    const url = String(await admin.page.evaluate("navigator.clipboard.readText()"));
    const code = (await dialog.locator(".pairing-code code").textContent()) ?? "";
    return { url, code };
  }
  const closeDialog = (): Promise<void> =>
    admin.page.getByRole("button", { name: "Close" }).click();

  test.skipIf(!tmux)(
    "by the QR code that `farhelm pair` prints, confirmed in that terminal",
    async () => {
      const program = [process.execPath, join(root, "dist/main.js"), "pair", "--role", "operator"];
      const { farhelmHome, root: cwd } = bench.homes;
      const terminal = new Terminal(program, {
        cwd,
        env: { HOME: cwd, FARHELM_HOME: farhelmHome },
        timeoutMs: 60_000,
      });
      try {
        await terminal.shows("Waiting for the device. Control-C takes the link back.");
        const url = readQrCode(printedMatrix(terminal.screen));
        expect(terminal.screen.replaceAll(/\s/g, "")).toContain(url);
        const page = await open(url);
        await press(page);
        const words = await wordsOn(page);
        await terminal.shows("Does the new device show these words, and is it yours? [y/N]");
        await terminal.shows(words.join(" "));
        await look(page, "words");
        await terminal.enter("y");
        await isIn(page);
        await terminal.shows("is paired.");
        await terminal.shows("EXIT 0");
      } finally {
        terminal.close();
      }
    },
    limitMs,
  );

  test(
    "by the link of an admin's dashboard, confirmed there",
    async () => {
      await admin.page.setViewportSize(phone.viewport);
      const { url } = await offerInDialog();
      await look(admin.page, "offer");
      await closeDialog();
      const page = await open(url);
      expect(new URL(page.url()).hash).toBe("");
      await look(page, "link");
      await press(page);
      const words = await wordsOn(page);
      await page
        .getByRole("timer")
        .getByText(/^[45]:\d\d$/)
        .waitFor();
      expect(
        await page
          .getByRole("heading", { name: "Compare these words" })
          .and(page.locator(":focus"))
          .count(),
      ).toBe(1);
      await look(admin.page, "notice");
      await admin.page.getByRole("searchbox").filter({ visible: true }).click({ trial: true });
      await admin.page.getByRole("button", { name: "Look" }).click();
      const request = admin.page.getByRole("region", { name: /wants in$/ });
      expect(
        await request
          .getByRole("list", { name: "Words to compare" })
          .getByRole("listitem")
          .allTextContents(),
      ).toEqual(words);
      await request.getByText("127.0.0.1, by link").waitFor();
      await look(admin.page, "request");
      await request.getByRole("button", { name: "The words match, let it in" }).click();
      await isIn(page);
      await admin.page
        .getByRole("button", { name: /^Revoke / })
        .first()
        .waitFor();
      await look(admin.page, "devices");
      expect(admin.faults).toEqual([]);
      await closeDialog();
    },
    limitMs,
  );

  test(
    "by the code that the dashboard shows, typed by hand, confirmed on the command line",
    async () => {
      const { code } = await offerInDialog();
      const page = await open(`${bench.url}/pair`);
      await look(page, "code");
      await type(page, code.toLowerCase().replace("-", " "));
      const words = await wordsOn(page);
      const control = await bench.admin();
      const { data } = await control.call("farhelm/pair/list");
      const waiting = Array.isArray(data)
        ? data.find(({ phase }) => phase === "proved")
        : undefined;
      expect(waiting.request).toMatchObject({ way: "code", words });
      await control.call("farhelm/pair/confirm", { id: waiting.id });
      await isIn(page);
      await page.reload();
      await isIn(page);
      await closeDialog();
    },
    limitMs,
  );

  describe("each refusal has its code and its next step on the page", () => {
    const wrong = "w".repeat(43);

    test(
      "pairing_invalid, pairing_unreadable, host_mismatch: a link that is not this host's",
      async () => {
        const page = await open(`${bench.url}/pair#${wrong}`);
        await press(page);
        expect(await refusedWith(page)).toBe("pairing_invalid");
        await look(page, "invalid");
        await type(page, "not a link");
        expect(await refusedWith(page)).toBe("pairing_unreadable");
        const { secret } = await bench.offer("viewer");
        await type(page, `${bench.url}/pair#${secret}.${"f".repeat(43)}`);
        await page.getByText("Reason: host_mismatch").waitFor();
      },
      limitMs,
    );

    test(
      "pairing_used, pairing_cancelled, pairing_declined",
      async () => {
        const first = await bench.offer("viewer");
        const page = await open(first.url);
        await press(page);
        await wordsOn(page);
        const late = await open(first.url);
        await press(late);
        expect(await refusedWith(late)).toBe("pairing_used");
        const control = await bench.admin();
        await control.call("farhelm/pair/refuse", { id: first.id });
        expect(await refusedWith(page)).toBe("pairing_declined");
        await look(page, "declined");
        const second = await bench.offer("viewer");
        await control.call("farhelm/pair/cancel", { id: second.id });
        await type(page, second.url);
        await page.getByText("Reason: pairing_cancelled").waitFor();
      },
      limitMs,
    );

    test(
      "pairing_expired: before and after the key was proved",
      async () => {
        const first = await bench.offer("viewer");
        bench.passTime(600_000);
        const page = await open(first.url);
        await press(page);
        expect(await refusedWith(page)).toBe("pairing_expired");
        const second = await bench.offer("viewer");
        await type(page, second.url);
        await wordsOn(page);
        bench.passTime(300_000);
        await (await bench.admin()).call("farhelm/pair/list");
        expect(await refusedWith(page)).toBe("pairing_expired");
      },
      limitMs,
    );

    test(
      "pairing_refused and bad_name: what the page sends does not hold",
      async () => {
        const { url } = await bench.offer("viewer");
        const page = await open(url);
        await page.route("**/auth/pair/finish", (route) => {
          const sent = JSON.parse(route.request().postData() ?? "");
          return route.continue({ postData: JSON.stringify({ ...sent, deviceNonce: wrong }) });
        });
        await page.getByRole("textbox", { name: "Name of this device" }).fill("\u202E");
        await press(page);
        expect(await refusedWith(page)).toBe("bad_name");
        await page.getByRole("textbox", { name: "Name of this device" }).fill("Phone");
        await press(page);
        await page.getByText("Reason: pairing_refused").waitFor();
      },
      limitMs,
    );

    test(
      "pairing_code_invalid, pairing_locked, too_many_attempts: guessed codes",
      async () => {
        const { code, secret } = await bench.offer("viewer");
        const page = await open(`${bench.url}/pair`);
        await type(page, "AAAA-AAAA");
        expect(await refusedWith(page)).toBe("pairing_code_invalid");
        for (let guess = 0; guess < 9; guess += 1) {
          bench.moveOn();
          const body = { code: "AAAA-AAAA", deviceName: "x", commitment: wrong };
          await bench.request("/auth/pair/start", body);
        }
        await type(page, code);
        await page.getByText("Reason: pairing_locked").waitFor();
        await look(page, "locked");
        await type(page, secret);
        await wordsOn(page);
        const other = await open(`${bench.url}/pair`);
        for (let guess = 0; guess < 7; guess += 1) {
          await type(other, "AAAA-AAAA");
          await other.getByRole("button", { name: "Try again" }).waitFor();
        }
        expect(await refusedWith(other)).toBe("too_many_attempts");
      },
      limitMs,
    );

    test(
      "pairing_full: sixteen pairings are under way",
      async () => {
        const control = await bench.admin();
        const { data } = await control.call("farhelm/pair/list");
        const underWay = Array.isArray(data)
          ? data.filter(({ phase }) => !["enrolled", "expired", "refused"].includes(phase)).length
          : 0;
        const offers: string[] = [];
        for (let at = underWay; at < 16; at += 1) offers.push((await bench.offer("viewer")).id);
        await admin.page.getByRole("button", { name: /^Devices/ }).click();
        const dialog = admin.page.getByRole("dialog", { name: "Devices" });
        await dialog
          .getByRole("button", { name: /^(?:Make a link|Add another device)/ })
          .first()
          .click();
        const make = dialog.getByRole("button", { name: "Make a link and a code" });
        if ((await make.count()) > 0) await make.click();
        await dialog
          .getByRole("alert")
          .getByText(/16 pairings are under way.*pair cancel/)
          .waitFor();
        expect(offers.length).toBeGreaterThan(0);
        for (const id of offers) await control.call("farhelm/pair/cancel", { id });
        await closeDialog();
      },
      limitMs,
    );

    test(
      "unreachable, insecure_page: nothing but the way there is at fault",
      async () => {
        const { url } = await bench.offer("viewer");
        const page = await open(url);
        await page.route("**/auth/pair/start", (route) => route.abort());
        await press(page);
        expect(await refusedWith(page)).toBe("unreachable");
        await page.unroute("**/auth/pair/start");
        await press(page);
        await wordsOn(page);
        const context = await browser.newContext({
          ...phone,
          extraHTTPHeaders: { "x-forwarded-for": "192.0.2.1" },
        });
        const plain = await context.newPage();
        await plain.goto(`http://box.test:${bench.port}/pair#${wrong}`);
        await press(plain);
        expect(await refusedWith(plain)).toBe("insecure_page");
      },
      limitMs,
    );
  });
});
