/** Where the secret of a pairing link could get to from a real browser and a host's log. */
import { expect } from "vitest";
import { inBrowser, Surfing } from "./surfing.ts";
import { attack, useHost } from "./attack.ts";

useHost(async () => ({ program: { env: { FARHELM_DEBUG: "1" } } }));
const surfing = new Surfing();

/** What a page's script finds. A document's own record of how it was opened ends with the document, which is another `onceIn`. */
const places = (onceIn: boolean): string => `((onceIn) => JSON.stringify([
  location.href, history.length, history.state, document.referrer, document.title,
  { ...localStorage }, { ...sessionStorage },
  performance.getEntries().filter(({ entryType }) => entryType !== "navigation" || onceIn).map(({ name }) => name),
  document.documentElement.outerHTML,
]))(${String(onceIn)})`;

attack(
  "C13",
  "the link's secret in requests, Referer, history, storage, log and audit log",
  { expect: { act: "pair.redeem", code: "pairing_used" }, ...inBrowser },
  async (bench) => {
    const { id, url, secret } = await bench.offer("admin");
    const context = await surfing.browser.newContext();
    const page = await context.newPage();
    const sent: string[] = [];
    page.on("request", (request) => {
      // What stands after the # is shown here, but is in no request.
      const [target] = request.url().split("#");
      sent.push(`${target} ${JSON.stringify(request.headers())}`);
    });
    await page.goto(url);
    const press = (): Promise<void> =>
      page.getByRole("button", { name: /^(?:Pair|Try again)$/ }).click();
    const held: string[] = [String(await page.evaluate(places(false)))];
    await press();
    await bench.confirm(id);
    await page.getByText("Connected", { exact: true }).first().waitFor();
    held.push(String(await page.evaluate(places(true))));
    await page.goBack();
    held.push(page.url());

    await page.goto("about:blank");
    await page.goto(url);
    await press();
    await page.getByText("Reason: pairing_used").waitFor();
    held.push(String(await page.evaluate(places(false))));
    // What a page of strangers learns when the person goes there from the pairing page.
    const before = surfing.seen.length;
    await page.evaluate(`location.href = "http://127.0.0.1:${surfing.openPort}/"`);
    await page.waitForURL(/127\.0\.0\.1/);
    const toStrangers = surfing.seen.slice(before);
    expect(toStrangers.length).toBeGreaterThan(0);

    expect(sent.length).toBeGreaterThan(8);
    expect(bench.program.said).toContain("/auth/pair/start");
    const texts = [...sent, ...held, ...toStrangers, bench.program.said, bench.auditText()];
    const leaks = texts.filter((text) => text.includes(secret));
    expect(leaks.map((text) => text.replaceAll(secret, "SECRET"))).toEqual([]);
    return { tried: texts.length, admitted: leaks.length };
  },
);
