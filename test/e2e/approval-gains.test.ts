/** What a person is told before they allow something: what it would allow that is not allowed now. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Locator } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { chromiumPath, launchChromium, startLimitMs } from "../helpers/chromium.ts";
import { DashboardPage, type Question } from "../helpers/dashboard-page.ts";
import { HostProcess } from "../helpers/host-process.ts";
import { mockModelConfig } from "../helpers/mock-model-config.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import { answer, functionCall, say, startMockModel } from "../helpers/mock-model.ts";
import { needSandbox } from "../helpers/need-sandbox.ts";

/** Pictures are kept where this says. */
const pictures = process.env["FARHELM_SCREENSHOTS"];

const sizes = [
  ["phone", { width: 390, height: 844 }],
  ["desk", { width: 1440, height: 900 }],
] as const;

const features = `
[features]
request_permissions_tool = true
exec_permission_approvals = true
`;

describe.skipIf(chromiumPath === undefined)("an approval says in words (needs chromium)", () => {
  let model: MockModel;
  let host: HostProcess;
  let browser: Browser;
  let page: DashboardPage;
  let outside: string;
  beforeAll(async () => {
    model = await startMockModel();
    const config = mockModelConfig(model).replace("read-only", "workspace-write");
    host = await HostProcess.start({ config: config + features });
    outside = `/srv/farhelm-${host.pid}/out`;
    browser = await launchChromium();
    page = await DashboardPage.paired(await browser.newContext(), await host.firstPairingLink());
  }, startLimitMs);
  afterAll(async () => {
    await browser?.close();
    await host?.stop();
    await model?.close();
  });

  async function look(card: Locator, name: string): Promise<void> {
    for (const [size, viewport] of sizes) {
      await page.page.setViewportSize(viewport);
      await card.scrollIntoViewIfNeeded();
      const wide = `document.documentElement.scrollWidth - innerWidth`;
      expect({ size, tooWide: await page.page.evaluate(wide) }).toEqual({ size, tooWide: 0 });
      if (pictures === undefined) continue;
      mkdirSync(pictures, { recursive: true });
      const path = join(pictures, `${name}-${size}.png`);
      await page.page.screenshot({ path, animations: "disabled" });
    }
  }

  /** The card of this question, and what it lists; a screen reader is told the same of the card. */
  async function gainsOf(question: Question): Promise<{ card: Locator; gains: string[] }> {
    const card = page.approval(question);
    await card.waitFor();
    const told = card.getByRole("list", { name: "This would allow what is not allowed now" });
    const gains = await told.getByRole("listitem").allInnerTexts();
    const id = await card.getAttribute("aria-describedby");
    const described = await page.page.locator(`[id="${id}"]`).innerText();
    for (const gain of gains) expect(described).toContain(gain);
    return { card, gains };
  }

  const spoken = (): Locator =>
    page.page.getByRole("status").filter({ hasText: "Approval needed" });

  test("that a command leaves the sandbox, and why the agent wants it", async () => {
    const justification = "May I look at the history of the whole machine?";
    model.enqueue(
      answer(
        ...functionCall("exec_command", {
          cmd: "touch escalated",
          sandbox_permissions: "require_escalated",
          justification,
        }),
      ),
      say("It is there."),
    );
    await page.startThread("make a file");
    const { card, gains } = await gainsOf("Run this command?");
    expect(gains).toEqual([
      "Run outside of the sandbox: it could read and change every file that you can, and use the network.",
    ]);
    await card.getByText(justification).waitFor();
    await look(card, "leaves-the-sandbox");
    await page.answer("Run this command?", "Decline");
    await page.messages.getByText("It is there.").waitFor();
    expect(existsSync(join(host.home, "escalated"))).toBe(false);
  });

  test("which files a patch writes that may not be written", async () => {
    const text = `*** Begin Patch\n*** Add File: ${outside}/notes.txt\n+a line\n*** End Patch`;
    model.enqueue(
      answer(...functionCall("exec_command", { cmd: `apply_patch <<'E'\n${text}\nE` })),
      say("Not written."),
    );
    await page.say("write notes");
    const { card, gains } = await gainsOf("Make these changes?");
    expect(gains).toEqual([`Write to ${outside}/notes.txt`]);
    await look(card, "patch-outside");
    await page.answer("Make these changes?", "Decline");
    await page.messages.getByText("Not written.").waitFor();
  });

  test("what a command wants on top, and that it stays inside otherwise", async () => {
    model.enqueue(
      answer(
        ...functionCall("exec_command", {
          cmd: "make install",
          sandbox_permissions: "with_additional_permissions",
          additional_permissions: { network: { enabled: true } },
        }),
      ),
      say("Not installed."),
    );
    await page.say("install it");
    const { card, gains } = await gainsOf("Run this command?");
    expect(gains).toEqual(["Use the network: any host"]);
    await card.getByText("Otherwise it stays inside of the sandbox.").waitFor();
    await look(card, "command-on-top");
    await page.answer("Run this command?", "Decline");
    await page.messages.getByText("Not installed.").waitFor();
  });

  test("what the agent could do until the turn ends, or for longer; by the keyboard alone", async () => {
    const permissions = { network: { enabled: true }, file_system: { write: [outside] } };
    const reason = "The build writes its output there and fetches packages.";
    model.enqueue(
      answer(...functionCall("request_permissions", { permissions, reason })),
      say("Thank you."),
    );
    await page.say("build it");
    const { card, gains } = await gainsOf("Give the agent more permissions?");
    expect(gains).toEqual([`Write to ${outside}`, "Use the network: any host"]);
    await card.getByText(reason).waitFor();
    const says = `give more permissions. Write to ${outside}; Use the network: any host`;
    expect(await spoken().innerText()).toBe(`Approval needed: ${says}`);
    await look(card, "permissions");
    const session = card.getByRole("button", { name: "Allow for this session" });
    await card.getByRole("button", { name: "Allow for this turn" }).focus();
    await page.page.keyboard.press("Tab");
    expect(await session.and(page.page.locator(":focus")).count()).toBe(1);
    await page.page.keyboard.press("Enter");
    await page.messages.getByText("Thank you.").waitFor();
    const told = JSON.stringify(model.requests.at(-1)?.body["input"]);
    expect(told).toContain('\\"scope\\":\\"session\\"');
    expect(told).toContain(outside);
  });

  test("that nothing is new in it, once it was granted", async () => {
    const permissions = { network: { enabled: true } };
    model.enqueue(answer(...functionCall("request_permissions", { permissions })), say("Good."));
    await page.say("and again");
    const card = page.approval("Give the agent more permissions?");
    await card.getByText("This allows nothing that is not allowed now").waitFor();
    await look(card, "nothing-new");
    await card.getByRole("button", { name: "Decline" }).click();
    await page.messages.getByText("Good.").waitFor();
    expect(page.faults).toEqual([]);
  });

  test(
    "which host a command that runs wants to reach",
    async (context) => {
      await needSandbox(context);
      const { host: address } = new URL(model.baseUrl);
      const tables = `
[features]
network_proxy = true
[permissions.work]
extends = ":workspace"
[permissions.work.network]
enabled = true
allow_local_binding = true
`;
      const config = mockModelConfig(model).replace("sandbox_mode", "default_permissions");
      const behind = await HostProcess.start({
        config: config.replace('"read-only"', '"work"') + tables,
      });
      onTestFinished(async () => {
        await behind.stop();
      });
      const other = await browser.newContext();
      onTestFinished(() => other.close());
      page = await DashboardPage.paired(other, await behind.firstPairingLink());
      const cmd = `curl -sS -m 60 --noproxy '' http://${address}/`;
      model.enqueue(answer(...functionCall("exec_command", { cmd })), say("Not reached."));
      await page.startThread("look at it");
      const { card, gains } = await gainsOf("Let this command reach a host?");
      expect(gains).toEqual([`Reach http://${address}`]);
      await look(card, "reaches-a-host");
      await page.answer("Let this command reach a host?", "Decline");
      await page.messages.getByText("Not reached.").waitFor();
      expect(page.faults).toEqual([]);
    },
    startLimitMs,
  );
});
