import { createPublicKey, verify } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, launchChromium, startLimitMs } from "../helpers/chromium.ts";
import { DashboardPage } from "../helpers/dashboard-page.ts";
import { HostProcess } from "../helpers/host-process.ts";
import { mockModelConfig } from "../helpers/mock-model-config.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import { answer, customCall, functionCall, say, startMockModel } from "../helpers/mock-model.ts";
import { escalatedCommand } from "../helpers/prompted-model.ts";

const settings = '[approvals]\nsigned = "always"\n';
/** A comment that a terminal would hide, an order that a page would turn, and the end below the fold. */
const script = `printf made > signed.txt # \u202e\u001b[2K\u200b${"\n".repeat(40)}printf more >> signed.txt`;
const patch = ["*** Begin Patch", "*** Add File: patched.txt", "+from a patch", "*** End Patch"];

const from = (text: string) => Buffer.from(text, "base64");

describe.skipIf(chromiumPath === undefined)("a signed approval (needs chromium)", () => {
  let model: MockModel;
  let host: HostProcess;
  let browser: Browser;
  let page: DashboardPage;
  beforeAll(async () => {
    model = await startMockModel();
    const features = "\n[features]\nrequest_permissions_tool = true\n";
    host = await HostProcess.start({ config: mockModelConfig(model) + features, settings });
    browser = await launchChromium();
    page = await DashboardPage.paired(await browser.newContext(), await host.firstPairingLink());
  }, startLimitMs);
  afterAll(async () => {
    await browser?.close();
    await host?.stop();
    await model?.close();
  });

  interface Receipt {
    readonly deviceId: string;
    readonly publicKeySpkiDerBase64: string;
    readonly signatureDerBase64: string;
    readonly signedPayloadBase64: string;
  }

  const receiptsFolder = (): string => join(host.home, ".farhelm/audit/receipts");
  const receipts = (): readonly Receipt[] =>
    readdirSync(receiptsFolder()).flatMap((name) =>
      readFileSync(join(receiptsFolder(), name), "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    );

  /** What stands under a valid signature, by nothing but Node. */
  const signedIn = (receipt: Receipt | undefined): { payload: Record<string, unknown> } => {
    if (receipt === undefined) throw new Error("there is no such receipt");
    const key = createPublicKey({
      key: from(receipt.publicKeySpkiDerBase64),
      format: "der",
      type: "spki",
    });
    const bytes = from(receipt.signedPayloadBase64);
    expect(verify("sha256", bytes, key, from(receipt.signatureDerBase64))).toBe(true);
    return JSON.parse(bytes.toString());
  };

  test("shows every character of what it signs, all of it first, and runs exactly that", async () => {
    model.enqueue(answer(...escalatedCommand(script)), say("Done."));
    const threadId = await page.startThread("make a file");
    const card = page.approval("Run this command?");
    await card.getByText("Signed approval.").waitFor();
    const command = card.getByRole("group", { name: "Command" });
    expect(await command.innerText()).toContain("# U+202EU+001B[2KU+200B");
    expect(await command.innerText()).not.toContain("printf more");
    expect(await card.getByRole("button", { name: "Accept", exact: true }).isDisabled()).toBe(true);
    expect(await card.getByRole("button", { name: "Decline" }).isDisabled()).toBe(false);
    await card.getByRole("button", { name: /^Show all 41 lines/ }).click();
    expect(await command.innerText()).toContain("printf more");
    await page.answer("Run this command?", "Accept");
    await page.messages.getByText("Done.").waitFor();
    expect(readFileSync(join(host.home, "signed.txt"), "utf8")).toBe("mademore");

    const [receipt, ...more] = receipts();
    expect(more).toEqual([]);
    const { payload } = signedIn(receipt);
    expect(payload).toMatchObject({
      kind: "command",
      threadId,
      decision: "accept",
      command: [expect.any(String), "-lc", script],
      cwd: host.home,
    });
    for (const file of readdirSync(receiptsFolder()))
      expect(statSync(join(receiptsFolder(), file)).mode & 0o777).toBe(0o600);
  });

  test("covers the digest of a patch", async () => {
    model.enqueue(answer(...customCall("apply_patch", patch.join("\n"))), say("The notes are in."));
    await page.say("patch it");
    await page.approval("Make these changes?").getByText("Signed approval.").waitFor();
    await page.answer("Make these changes?", "Accept");
    await page.messages.getByText("The notes are in.").waitFor();
    expect(readFileSync(join(host.home, "patched.txt"), "utf8")).toBe("from a patch\n");
    expect(signedIn(receipts()[1]).payload).toMatchObject({
      kind: "fileChange",
      decision: "accept",
      realPaths: [join(host.home, "patched.txt")],
    });
  });

  test("covers permissions with everything that is granted of them", async () => {
    const permissions = { network: { enabled: true }, file_system: { write: ["/srv/out"] } };
    model.enqueue(answer(...functionCall("request_permissions", { permissions })), say("Good."));
    await page.say("ask for it");
    const card = page.approval("Give the agent more permissions?");
    await card.getByText("Signed approval.").waitFor();
    await card.getByRole("button", { name: "Allow for this session" }).click();
    await page.messages.getByText("Good.").waitFor();
    expect(JSON.stringify(model.requests.at(-1)?.body["input"])).toContain(
      '\\"file_system\\":{\\"write\\":[\\"/srv/out\\"]}},\\"scope\\":\\"session\\"',
    );
    const entry = { path: { type: "path", path: "/srv/out" }, access: "write" };
    expect(signedIn(receipts()[2]).payload).toMatchObject({
      kind: "permissions",
      additions: { network: true, read: [], write: ["/srv/out"] },
      decision: {
        permissions: { network: { enabled: true }, fileSystem: { entries: [entry] } },
        scope: "session",
      },
    });
  });

  test("verifies offline by the command line, which names a receipt that was edited", async () => {
    const before = await host.run("audit", "verify");
    expect(before).toMatchObject({ code: 0, err: "" });
    expect(before.out).toContain("3 receipts of signed approvals hold");
    const [file = ""] = readdirSync(receiptsFolder()).map((name) => join(receiptsFolder(), name));
    const text = readFileSync(file, "utf8");
    const [receipt] = receipts();
    const edited = btoa(atob(receipt?.signedPayloadBase64 ?? "").replace("printf", "unlink"));
    writeFileSync(file, text.replace(receipt?.signedPayloadBase64 ?? "", edited));
    const after = await host.run("audit", "verify");
    expect(after).toMatchObject({ code: 1, out: "" });
    expect(after.err).toMatch(/receipts\/[\d-]+\.jsonl, line 1: this receipt was edited/);
    writeFileSync(file, text);
  });

  test("is not needed to decline", async () => {
    model.enqueue(answer(...escalatedCommand("touch declined.txt")), say("As you like."));
    await page.say("and another");
    await page.answer("Run this command?", "Decline");
    await page.messages.getByText("As you like.").waitFor();
    expect([receipts().length, existsSync(join(host.home, "declined.txt"))]).toEqual([3, false]);
    expect(page.faults).toEqual([]);
  });
});
