import { performance } from "node:perf_hooks";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, launchChromium, startLimitMs } from "../helpers/chromium.ts";
import { DashboardPage } from "../helpers/dashboard-page.ts";
import { HostProcess } from "../helpers/host-process.ts";

/** What the product promises, and what a busy machine may add to it. */
const [promisedMs, busyMs] = [1_000, 1_000];

describe.skipIf(chromiumPath === undefined)("a revoked browser (needs chromium)", () => {
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
    await dashboard.startThread("what can you do?");
    await dashboard.messages.getByText(/offline agent: a small script/).waitFor();
  }, startLimitMs);
  afterAll(async () => {
    await browser?.close();
    await host?.stop();
  });

  const devices = async (): Promise<readonly { id: string; name: string }[]> =>
    JSON.parse((await host.run("devices", "list", "--json")).out);

  test("is out at once, and its page says why and how to come back", async () => {
    const [device] = await devices();
    const { page } = dashboard;
    const out = page.getByRole("heading", { name: "You are signed out" });
    const [revokedMs, outMs] = await Promise.all([
      host.run("devices", "revoke", device?.id ?? "").then(() => performance.now()),
      out.waitFor().then(() => performance.now()),
    ]);
    expect(outMs - revokedMs).toBeLessThan(promisedMs + busyMs);
    await page.getByRole("alert").getByText("took away this device's access").waitFor();
    await page.getByRole("button", { name: "Copy npx farhelm pair" }).waitFor();
    expect(await page.getByRole("log").count()).toBe(0);
    expect(await devices()).toEqual([]);
  });

  test("stays out after a reload, with a reason and the command", async () => {
    const { page } = dashboard;
    await page.reload();
    await page.getByRole("heading", { name: "You are signed out" }).waitFor();
    await page.getByText("npx farhelm pair", { exact: true }).first().waitFor();
    await page.getByText(/^Reason: [a-z_]+$/).waitFor();
    expect(await page.getByRole("log").count()).toBe(0);
  });

  test("comes back by pairing again, as a new device, and finds its thread", async () => {
    await dashboard.pair(await host.newPairingLink());
    await dashboard.page.getByRole("link", { name: /what can you do/ }).click();
    await dashboard.messages.getByText(/offline agent: a small script/).waitFor();
    expect(await devices()).toHaveLength(1);
    expect(dashboard.faults).toEqual([]);
  });

  test("a link that was used says so, with the next step", async () => {
    const used = await host.newPairingLink();
    await dashboard.pair(used, () => host.confirmPairing());
    const second = await (await browser.newContext()).newPage();
    await second.goto(used);
    await second.getByRole("button", { name: "Pair", exact: true }).click();
    await second.getByRole("alert").waitFor();
    await second.getByText("npx farhelm pair", { exact: true }).first().waitFor();
    expect(new URL(second.url()).hash).toBe("");
  });
});
