import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, launchChromium, startLimitMs } from "../helpers/chromium.ts";
import { DashboardPage } from "../helpers/dashboard-page.ts";
import { FaultProxy } from "../helpers/fault-proxy.ts";
import { HostProcess } from "../helpers/host-process.ts";

describe.skipIf(chromiumPath === undefined)(
  "the list of threads on a phone (needs chromium)",
  () => {
    let host: HostProcess;
    let line: FaultProxy;
    let browser: Browser;
    let phone: DashboardPage;
    beforeAll(async () => {
      host = await HostProcess.start({});
      const { host: name, port } = new URL(host.url);
      line = await FaultProxy.start(Number(port));
      browser = await launchChromium(`--host-resolver-rules=MAP ${name} 127.0.0.1:${line.port}`);
      const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
      phone = await DashboardPage.paired(context, await host.firstPairingLink());
    }, startLimitMs);
    afterAll(async () => {
      await browser?.close();
      await line?.close();
      await host?.stop();
    });

    test("shows what waits in every thread, until it is answered", async () => {
      const { page } = phone;
      const first = await phone.startThread("run `git --version`");
      await phone.approval("Run this command?").waitFor();
      await phone.startThread("run `git status --short`");
      await phone.approval("Run this command?").waitFor();
      await page.goto(new URL("#/", page.url()).href);
      const inbox = page.getByRole("region", { name: /^Waiting for you/ });
      await inbox.getByText("Waiting for you: 2").waitFor();
      await inbox.getByRole("link", { name: /^git --version/ }).click();
      expect(page.url()).toContain(first);
      const question = phone.approval("Run this command?");
      await question.getByRole("button", { name: "Decline", exact: true }).click();
      await question.waitFor({ state: "detached" });
      await page.goto(new URL("#/", page.url()).href);
      await inbox.getByText("Waiting for you: 1").waitFor();
      expect(await inbox.getByText("git --version").count()).toBe(0);
    });

    test("says on each card when it was last seen and why, until the line is whole again", async () => {
      const { page } = phone;
      line.refuse();
      line.cut();
      const cards = page.locator(".thread-row", { hasText: /Last seen \d.*\. \S.*\.$/ });
      await cards.first().waitFor();
      expect(await cards.count()).toBe(await page.locator(".thread-row").count());
      line.heal();
      await phone.connected();
      expect(await page.getByText("Last seen").count()).toBe(0);
    });
  },
);
