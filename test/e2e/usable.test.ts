import { join } from "node:path";
import type { Browser, CDPSession, Locator } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, launchChromium, startLimitMs } from "../helpers/chromium.ts";
import { DashboardPage } from "../helpers/dashboard-page.ts";
import { HostProcess } from "../helpers/host-process.ts";

/** Pictures are kept where this says. */
const pictures = process.env["FARHELM_SCREENSHOTS"];

const phone = { width: 390, height: 844 };
const desk = { width: 1440, height: 900 };
const modes = [
  ["phone", "light", phone],
  ["phone", "dark", phone],
  ["desk", "light", desk],
  ["desk", "dark", desk],
] as const;

const hasFocus = async (element: Locator): Promise<boolean> =>
  (await element.and(element.page().locator(":focus")).count()) === 1;

describe.skipIf(chromiumPath === undefined)("the dashboard is usable (needs chromium)", () => {
  let host: HostProcess;
  let browser: Browser;
  let dashboard: DashboardPage;
  let tree: CDPSession;
  beforeAll(async () => {
    host = await HostProcess.start();
    browser = await launchChromium();
    const context = await browser.newContext();
    dashboard = await DashboardPage.paired(context, await host.firstPairingLink());
    tree = await context.newCDPSession(dashboard.page);
    await dashboard.startThread("list the files and show a-file-that-has-a-rather-long-name.txt");
    for (const command of ["ls -la -- .", "cat -- a-file"]) {
      await dashboard.approval("Run this command?").filter({ hasText: command }).waitFor();
      await dashboard.answer("Run this command?", "Accept");
    }
    await dashboard.idle();
  }, startLimitMs);
  afterAll(async () => {
    await browser?.close();
    await host?.stop();
  });

  /** What can be used but has no name that a screen reader could say. */
  async function nameless(): Promise<readonly string[]> {
    const { nodes } = await tree.send("Accessibility.getFullAXTree");
    const focusable = nodes.filter(
      ({ ignored, properties = [] }) =>
        !ignored && properties.some(({ name, value }) => name === "focusable" && value.value),
    );
    expect(focusable.length).toBeGreaterThan(2);
    return focusable
      .filter(({ name }) => String(name?.value ?? "").trim() === "")
      .map(({ role }) => String(role?.value))
      .filter((role) => role !== "main");
  }

  /** By how many pixels the page is wider than its window, and what sticks out. */
  const tooWide = (): Promise<unknown> =>
    dashboard.page.evaluate(`[
      document.documentElement.scrollWidth - innerWidth,
      [...document.querySelectorAll("button, a, input, textarea, h1, h2")]
        .filter((element) => element.checkVisibility({ visibilityProperty: true }))
        .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
        .map((element) => element.outerHTML.slice(0, 80)),
    ]`);

  async function look(name: string): Promise<void> {
    expect({ name, nameless: await nameless(), tooWide: await tooWide() }).toEqual({
      name,
      nameless: [],
      tooWide: [0, []],
    });
    if (pictures === undefined) return;
    const path = join(pictures, `${name}.png`);
    await dashboard.page.screenshot({ path, animations: "disabled" });
  }

  /** Presses Tab until the element has the focus; what had it on the way. */
  async function tabTo(wanted: Locator): Promise<number> {
    for (let presses = 1; presses < 60; presses++) {
      await dashboard.page.keyboard.press("Tab");
      if (await hasFocus(wanted)) return presses;
    }
    throw new Error("Tab does not lead there.");
  }

  test.each(modes)(
    "on a %s in %s: fits, and everything has a name",
    async (device, scheme, size) => {
      const { page } = dashboard;
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: scheme });
      const name = (view: string): string => `${device}-${scheme}-${view}`;
      await look(name("conversation"));

      await page.goto(new URL("#/", page.url()).href);
      await page.getByRole("link", { name: /^list the files/ }).waitFor();
      await look(name("threads"));

      await page.goto(new URL("#/new", page.url()).href);
      await page.getByRole("button", { name: /^Folder/ }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Use this folder" }).waitFor();
      await look(name("folder"));
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      await look(name("new"));

      await dashboard.startThread(
        'run `git --version` and write "Hello\n\nfrom here" to notes.txt',
      );
      await dashboard.approval("Run this command?").waitFor();
      await look(name("command"));
      await dashboard.answer("Run this command?", "Accept");
      await dashboard.approval("Make these changes?").waitFor();
      await look(name("change"));
      await dashboard.answer("Make these changes?", "Decline");
      await dashboard.idle();
      const rename = page.getByText("Rename", { exact: true });
      await page.getByRole("button", { name: "Thread menu" }).click();
      await rename.waitFor();
      await look(name("menu"));
      await page.keyboard.press("Escape");
      await rename.waitFor({ state: "detached" });
      expect(dashboard.faults).toEqual([]);
    },
    60_000,
  );

  test.each([
    ["phone", phone],
    ["desk", desk],
  ])(
    "on a %s the keyboard is enough",
    async (_device, size) => {
      const { page } = dashboard;
      await page.setViewportSize(size);
      await page.goto(new URL("#/new", page.url()).href);
      await page.reload();
      await dashboard.connected();
      await tabTo(page.getByRole("textbox", { name: "First message" }));
      await page.keyboard.type("run `git --version`");
      await page.keyboard.press("Shift+Enter");
      await page.keyboard.type("and run `echo twice`");
      await page.keyboard.press("Enter");

      const approval = dashboard.approval("Run this command?");
      await approval.waitFor();
      const button = (name: string): Locator => approval.getByRole("button", { name, exact: true });
      await tabTo(button("Accept"));
      for (const next of ["Accept for this session", "Decline"])
        expect([next, await tabTo(button(next))]).toEqual([next, 1]);
      await page.keyboard.press("Shift+Tab");
      await page.keyboard.press("Shift+Tab");
      await page.keyboard.press("Enter");
      await dashboard
        .command("git --version")
        .getByText(/^git version \d/)
        .waitFor();

      await approval.filter({ hasText: "echo twice" }).waitFor();
      await tabTo(button("Decline"));
      await page.keyboard.press("Space");
      await dashboard.idle();

      const menu = page.getByRole("button", { name: "Thread menu" });
      const rename = page.getByText("Rename", { exact: true });
      await tabTo(menu);
      await page.keyboard.press("Enter");
      await rename.waitFor();
      await page.keyboard.press("Escape");
      await rename.waitFor({ state: "detached" });
      expect(await hasFocus(menu)).toBe(true);
    },
    60_000,
  );
});
