import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, launchChromium, startLimitMs } from "../helpers/chromium.ts";
import { DashboardPage } from "../helpers/dashboard-page.ts";
import { HostProcess } from "../helpers/host-process.ts";

const kept = async ({ page }: DashboardPage): Promise<string> =>
  String(await page.evaluate("localStorage.getItem('farhelm.audit-head')"));

describe.skipIf(chromiumPath === undefined)("a browser and the audit log (needs chromium)", () => {
  let host: HostProcess;
  let browser: Browser;
  let dashboard: DashboardPage;
  beforeAll(async () => {
    host = await HostProcess.start();
    browser = await launchChromium();
    dashboard = await DashboardPage.paired(
      await browser.newContext(),
      await host.firstPairingLink(),
    );
    await dashboard.page.getByText(/^Audit log seen up to line \d+$/).waitFor();
  }, startLimitMs);
  afterAll(async () => {
    await browser?.close();
    await host?.stop();
  });

  test("the head that it keeps belongs to the log, and verify says so offline", async () => {
    const head = await kept(dashboard);
    expect(JSON.parse(head)).toMatchObject({
      sequence: expect.any(Number),
      head: expect.any(String),
    });
    const { code, out } = await host.run("audit", "verify", "--head", head);
    expect([code, out]).toEqual([0, expect.stringContaining("belongs to it")]);
    const table = await host.run("audit", "export", "--format", "csv");
    expect(table.out).toMatch(/"pair\.enroll","done",,"device","[^"]+","[^"]+","127\.0\.0\.1"/);
  });

  test("a log that ends before what it has seen raises an alarm, and the head stays", async () => {
    const { page } = dashboard;
    const head = { ...JSON.parse(await kept(dashboard)), sequence: 1_000_000 };
    const text = JSON.stringify(JSON.stringify(head));
    await page.evaluate(`localStorage.setItem("farhelm.audit-head", ${text})`);
    await page.reload();
    await page
      .getByRole("alert")
      .getByText(/audit log was cut or written anew/)
      .waitFor();
    expect(JSON.parse(await kept(dashboard))).toEqual(head);
  });
});
