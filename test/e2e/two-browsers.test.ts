import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deferred } from "../../src/util/deferred.ts";
import { isRecord } from "../../src/util/is-record.ts";
import { chromiumPath, launchChromium, startLimitMs } from "../helpers/chromium.ts";
import { DashboardPage } from "../helpers/dashboard-page.ts";
import { FaultProxy } from "../helpers/fault-proxy.ts";
import { HostProcess } from "../helpers/host-process.ts";
import { mockModelConfig } from "../helpers/mock-model-config.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import { answer, functionCall, messageSteps, say, startMockModel } from "../helpers/mock-model.ts";
import { HostClient } from "../helpers/running-host.ts";

const words = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from }, (_, index) => `w${from + index} `);

const deltasIn = (events: readonly string[]): number =>
  events.filter((text) => text.includes("item/agentMessage/delta")).length;

describe.skipIf(chromiumPath === undefined)("two browsers, one thread (needs chromium)", () => {
  let model: MockModel;
  let host: HostProcess;
  let line: FaultProxy;
  let browsers: readonly Browser[] = [];
  let near: DashboardPage;
  /** Comes in over a line of its own. */
  let far: DashboardPage;
  let threadId: string;
  beforeAll(async () => {
    model = await startMockModel();
    host = await HostProcess.start({ config: mockModelConfig(model) });
    const { host: name, port } = new URL(host.url);
    line = await FaultProxy.start(Number(port));
    browsers = await Promise.all([
      launchChromium(),
      launchChromium(`--host-resolver-rules=MAP ${name} 127.0.0.1:${line.port}`),
    ]);
    const links = [() => host.firstPairingLink(), () => host.newPairingLink()];
    const pages: DashboardPage[] = [];
    for (const [at, browser] of browsers.entries())
      pages.push(
        await DashboardPage.paired(
          await browser.newContext(),
          (await links[at]?.()) ?? "",
          at === 0 ? undefined : () => host.confirmPairing(),
        ),
      );
    [near, far] = [pages[0] ?? absent(), pages[1] ?? absent()];
    model.enqueue(say("Good ", "morning."));
    threadId = await near.startThread("hello");
    await near.messages.getByText("Good morning.").waitFor();
    await far.openThread(threadId);
    await far.messages.getByText("Good morning.").waitFor();
  }, startLimitMs);
  afterAll(async () => {
    for (const browser of browsers) await browser.close();
    await line?.close();
    await host?.stop();
    await model?.close();
  });

  const both = (see: (page: DashboardPage) => Promise<unknown>): Promise<unknown> =>
    Promise.all([see(near), see(far)]);

  /** The thread's events as they came in, byte for byte. */
  const eventsOf = ({ received }: DashboardPage, from: number): readonly string[] =>
    received.slice(from).filter((text) => {
      const frame: unknown = JSON.parse(text);
      if (!isRecord(frame) || !isRecord(frame["params"])) return false;
      return "method" in frame && frame["params"]["threadId"] === threadId;
    });

  test("see the same events in the same order; an answer in one closes the question in the other", async () => {
    const marks = [near.received.length, far.received.length] as const;
    const call = { cmd: "git --version", sandbox_permissions: "require_escalated" };
    model.enqueue(
      answer(...messageSteps(["One ", "moment."]), ...functionCall("exec_command", call)),
      say("There ", "you ", "are."),
    );
    await near.say("which git is this?");
    await both((page) => page.approval("Run this command?").waitFor());
    await far.answer("Run this command?", "Accept");
    await both((page) => page.approval("Run this command?").waitFor({ state: "detached" }));
    await both((page) =>
      page
        .command("git --version")
        .getByText(/^git version \d/)
        .waitFor(),
    );
    await both((page) => page.messages.getByText("There you are.").waitFor());
    await both((page) => page.idle());

    const [nearEvents, farEvents] = [eventsOf(near, marks[0]), eventsOf(far, marks[1])];
    expect(nearEvents.length).toBeGreaterThan(15);
    expect(farEvents).toEqual(nearEvents);
    expect(await far.messages.innerText()).toBe(await near.messages.innerText());
  });

  test("a thread that one starts stands in the other's list, with its title", async () => {
    model.enqueue(say("Done."));
    await near.startThread("sweep the deck");
    await near.messages.getByText("Done.").waitFor();
    const listed = far.page.getByRole("link", { name: /^sweep the deck/ });
    await listed.waitFor();
    expect(await listed.count()).toBe(1);
    const mark = near.received.length;
    await near.openThread(threadId);
    // what follows the answer to a resume is over with this
    await expect
      .poll(() => eventsOf(near, mark).join("\n"), { timeout: 15_000 })
      .toContain("thread/goal/cleared");
  });

  test("one that was cut off for 500 deltas is given each of them once, and ends with the same text", async () => {
    const marks = [near.received.length, far.received.length] as const;
    const [first, second] = [deferred<void>(), deferred<void>()];
    const steps = messageSteps(words(0, 600));
    model.enqueue(
      answer(
        ...steps.slice(0, 51),
        { wait: first.promise },
        ...steps.slice(51, 551),
        { wait: second.promise },
        ...steps.slice(551),
      ),
    );
    await near.say("tell me everything");
    await both((page) => page.messages.getByText(/\bw49\b/).waitFor());
    line.refuse();
    line.cut();
    await far.page
      .getByText(/^Reconnecting/)
      .filter({ visible: true })
      .first()
      .waitFor();
    first.resolve();
    await near.messages.getByText(/\bw549\b/).waitFor();
    expect(await far.messages.getByText(/\bw50\b/).count()).toBe(0);

    line.heal();
    await far.connected();
    await far.messages.getByText(/\bw549\b/).waitFor();
    second.resolve();
    await both((page) => page.messages.getByText(/\bw599\b/).waitFor());
    await both((page) => page.idle());

    const [nearEvents, farEvents] = [eventsOf(near, marks[0]), eventsOf(far, marks[1])];
    expect(deltasIn(nearEvents)).toBe(600);
    expect(await near.messages.getByText(/\bw0 w1 w2\b/).innerText()).toBe(
      words(0, 600).join("").trim(),
    );
    expect(await far.messages.innerText()).toBe(await near.messages.innerText());
    expect(farEvents).toEqual(nearEvents);
    expect([...near.faults, ...far.faults]).toEqual([]);
  });

  test.each([
    ["before the host has it", { direction: "toHost", at: "payload", afterFrames: 0 }],
    ["when the host has it", { direction: "toHost", at: "after", afterFrames: 0 }],
    ["in the host's answer", { direction: "toClient", at: "payload", afterFrames: 0 }],
  ] as const)("what one says while the line breaks %s is said once", async (moment, point) => {
    const text = `trim the sails ${moment}`;
    model.enqueue(say(`Aye: ${moment}.`));
    const broken = line.cutAt(point);
    await far.say(text);
    await broken;
    await both((page) => page.messages.getByText(`Aye: ${moment}.`).waitFor());
    await both((page) => page.idle());
    for (const { messages } of [near, far])
      expect(await messages.getByText(text, { exact: true }).count()).toBe(1);
    expect(await far.messages.innerText()).toBe(await near.messages.innerText());
    expect([...near.faults, ...far.faults]).toEqual([]);
  });

  test("what is taken back is gone from both, also from one that is cut off meanwhile", async () => {
    const before = await near.messages.innerText();
    model.enqueue(say("Hard to port."));
    await near.say("turn around");
    await both((page) => page.messages.getByText("Hard to port.").waitFor());
    await both((page) => page.idle());
    line.refuse();
    line.cut();
    const admin = await HostClient.connect({ farhelmHome: join(host.home, ".farhelm") });
    await admin.call("thread/resume", { threadId });
    await admin.call("thread/rollback", { threadId, numTurns: 1 });
    admin.drop();
    await near.messages.getByText("Hard to port.").waitFor({ state: "detached" });
    line.heal();
    await far.connected();
    await far.messages.getByText("Hard to port.").waitFor({ state: "detached" });
    expect(await near.messages.innerText()).toBe(before);
    expect(await far.messages.innerText()).toBe(before);
    expect([...near.faults, ...far.faults]).toEqual([]);
  });
});

function absent(): never {
  throw new Error("A browser is missing.");
}
