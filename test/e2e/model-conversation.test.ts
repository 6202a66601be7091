import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, launchChromium, startLimitMs } from "../helpers/chromium.ts";
import { DashboardPage } from "../helpers/dashboard-page.ts";
import { HostProcess } from "../helpers/host-process.ts";
import { mockModelConfig } from "../helpers/mock-model-config.ts";
import type { MockModel, MockReply } from "../helpers/mock-model.ts";
import {
  answer,
  customCall,
  cutAfter,
  functionCall,
  messageSteps,
  refusal,
  say,
  startMockModel,
} from "../helpers/mock-model.ts";
import { deferred } from "../../src/util/deferred.ts";

const patch = ["*** Begin Patch", "*** Add File: notes.txt", "+from a model", "*** End Patch"];
const retryNotice = "Trouble with the model, trying again";

describe.skipIf(chromiumPath === undefined)("with a model that streams (needs chromium)", () => {
  let model: MockModel;
  let host: HostProcess;
  let browser: Browser;
  let dashboard: DashboardPage;
  beforeAll(async () => {
    model = await startMockModel();
    host = await HostProcess.start({ config: mockModelConfig(model) });
    browser = await launchChromium();
    dashboard = await DashboardPage.paired(
      await browser.newContext(),
      await host.firstPairingLink(),
    );
  }, startLimitMs);
  afterAll(async () => {
    await browser?.close();
    await host?.stop();
    await model?.close();
  });

  /** The retry is seen while the next reply has not begun; then that reply ends the turn. */
  async function showsRetry(message: string, failing: readonly MockReply[], detail: string) {
    const gate = deferred<void>();
    const end = `${message} The end.`;
    model.enqueue(...failing, answer({ wait: gate.promise }, ...messageSteps([end])));
    await dashboard.say(message);
    await dashboard.messages.getByText(retryNotice).waitFor();
    await dashboard.messages.getByText("Details").click();
    await dashboard.messages.getByText(detail).waitFor();
    gate.resolve();
    await dashboard.messages.getByText(end).waitFor();
    await dashboard.messages.getByText(retryNotice).waitFor({ state: "detached" });
  }

  test("text shows while it comes, and two calls in one answer ask one after the other", async () => {
    const gate = deferred<void>();
    const [first = [], rest = []] = halves(messageSteps(["Looking ", "around."]));
    const call = { cmd: "git --version", sandbox_permissions: "require_escalated" };
    model.enqueue(
      answer(
        ...first,
        { wait: gate.promise },
        ...rest,
        ...functionCall("exec_command", call),
        ...customCall("apply_patch", patch.join("\n")),
      ),
      say("Both ", "are done."),
    );
    await dashboard.startThread("look around");
    await dashboard.messages.getByText("Looking").waitFor();
    gate.resolve();
    await dashboard.messages.getByText("Looking around.").waitFor();

    await dashboard.answer("Run this command?", "Accept");
    await dashboard
      .command("git --version")
      .getByText(/^git version \d/)
      .waitFor();
    await dashboard.approval("Make these changes?").getByText("from a model").waitFor();
    await dashboard.answer("Make these changes?", "Accept");
    await dashboard.messages.getByText("Both are done.").waitFor();
    await dashboard.fileChanges("notes.txt").getByText("from a model").waitFor();
    expect(readFileSync(join(host.home, "notes.txt"), "utf8")).toBe("from a model\n");
  });

  test("a stream that is cut in the middle is tried again and ends well", async () => {
    const cut = cutAfter("Half of an answer");
    await showsRetry("Go on.", [cut], "stream disconnected before completion");
    expect(await dashboard.messages.getByText("Half of an answer").count()).toBe(0);
  });

  test("so are a 500 and a 429", async () => {
    const failing = [refusal(500), refusal(429, { "retry-after": "0" })];
    await showsRetry("Once more.", failing, "429 Too Many Requests");
    expect(model.remaining).toBe(0);
  });

  test("when it fails for good, the turn says why, and the next message works", async () => {
    model.enqueue(refusal(401), say("Back again."));
    await dashboard.say("are you there?");
    await dashboard.messages.getByText("The turn failed").waitFor();
    await dashboard.messages.getByText(/401 Unauthorized/).waitFor();
    await dashboard.say("and now?");
    await dashboard.messages.getByText("Back again.").waitFor();
    expect(model.remaining).toBe(0);
  });

  test("a reload shows the same conversation", async () => {
    const turns = dashboard.messages.getByRole("article");
    const before = await turns.allInnerTexts();
    expect(before.length).toBe(5);
    await dashboard.page.reload();
    await dashboard.messages.getByText("Back again.").waitFor();
    expect(await turns.allInnerTexts()).toEqual(before);
    expect(dashboard.faults).toEqual([]);
  });
});

const halves = <T>(steps: readonly T[]): readonly (readonly T[])[] => [
  steps.slice(0, 2),
  steps.slice(2),
];
