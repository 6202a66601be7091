/** A page whose machine sleeps, by the page's clock and the host's, and a page that loses and finds its network. */
import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, expect } from "vitest";
import { chromiumPath, launchChromium } from "../helpers/chromium.ts";
import { DashboardPage } from "../helpers/dashboard-page.ts";
import { FaultProxy } from "../helpers/fault-proxy.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import { say, startMockModel } from "../helpers/mock-model.ts";
import { configFor } from "../helpers/running-host.ts";
import { fault, useHost } from "./attack.ts";

let model: MockModel;
let proxy: FaultProxy | undefined;
let browser: Browser | undefined;

useHost(async () => {
  model = await startMockModel();
  return { config: configFor(model.baseUrl) };
});
afterAll(async () => {
  await browser?.close();
  await proxy?.close();
  await model?.close();
});

/** What the system does to a page that comes to the front again. */
const lookAt = ({ page }: DashboardPage): Promise<unknown> =>
  page.evaluate('void document.dispatchEvent(new Event("visibilitychange"))');

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
/** The line dies in some sleeps and outlives others. */
const sleeps = [
  { ms: 30 * secondMs, dies: false },
  { ms: 30 * secondMs, dies: true },
  { ms: 10 * minuteMs, dies: true },
  { ms: 8 * 60 * minuteMs, dies: true },
];

fault(
  "F4",
  "a page that sleeps for 30 s, 10 min and 8 h, with a line that outlives it or not, and one without network",
  { possible: chromiumPath !== undefined, timeoutMs: 300_000 },
  async (bench) => {
    const line = await FaultProxy.start(bench.port);
    proxy = line;
    const { host: name } = new URL(bench.url);
    browser = await launchChromium(`--host-resolver-rules=MAP ${name} 127.0.0.1:${line.port}`);
    const context: BrowserContext = await browser.newContext();
    await context.clock.install();
    const page = await DashboardPage.paired(context, bench.firstLink ?? "");
    model.enqueue(say("Good morning."));
    const threadId = await page.startThread("hello");
    await page.messages.getByText("Good morning.").waitFor();
    const admin = await bench.admin();
    await admin.call("thread/resume", { threadId });
    let astray = 0;
    for (const [at, { ms, dies }] of sleeps.entries()) {
      const opened = line.opened;
      if (dies) line.swallow();
      const word = `Said in sleep ${at}.`;
      model.enqueue(say(word));
      bench.passTime(ms);
      await admin.turnEnded(await admin.startTurn(threadId, `go on ${at}`));
      await context.clock.fastForward(ms);
      line.heal();
      await lookAt(page);
      // A line that seems open is asked, and has a few seconds to answer.
      if (dies) await context.clock.fastForward(10 * secondMs);
      await page.messages.getByText(word).waitFor({ timeout: 60_000 });
      await page.connected();
      if (!dies && line.opened !== opened) astray += 1;
    }
    const before = line.opened;
    line.refuse();
    line.cut();
    await page.page
      .getByText(/^Reconnecting/)
      .filter({ visible: true })
      .first()
      .waitFor();
    await context.setOffline(true);
    await page.page
      .getByText("Offline", { exact: true })
      .filter({ visible: true })
      .first()
      .waitFor();
    model.enqueue(say("Said without a network."));
    await admin.turnEnded(await admin.startTurn(threadId, "once more"));
    line.heal();
    await context.setOffline(false);
    await page.messages.getByText("Said without a network.").waitFor({ timeout: 60_000 });
    expect(line.opened).toBeGreaterThan(before);
    const { thread } = await admin.call("thread/read", { threadId, includeTurns: true });
    const turns: unknown[] = Object(thread)["turns"];
    for (const [at] of sleeps.entries()) {
      const count = await page.messages.getByText(`Said in sleep ${at}.`).count();
      if (count !== 1) astray += 1;
    }
    expect(turns.length).toBe(sleeps.length + 2);
    expect(page.faults).toEqual([]);
    return { tried: sleeps.length + 1, astray, connections: line.opened };
  },
);
