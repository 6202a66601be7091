import {
  appendFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseP256Spki } from "../../../src/crypto/p256.ts";
import { ReceiptBook } from "../../../src/audit/receipts.ts";
import { verifyAudit } from "../../../src/audit/verify.ts";
import { SoftDevice } from "../auth/soft-device.ts";
import { LogBench, phone } from "./log-bench.ts";

const ids = { threadId: "t", turnId: "u", itemId: "i" };
const thumbprint = ({ identity }: SoftDevice): string =>
  parseP256Spki(Buffer.from(identity.publicKeySpkiDerBase64, "base64"))?.thumbprint ?? "";

/** A log with a pairing and signed approvals, as a host writes it. */
class ReceiptBench extends LogBench {
  readonly device = new SoftDevice();

  /** Each with the decision `accept`; `forge` changes what the log says of the last one. */
  async approved(count: number, { by = this.device, forge = {}, keeps = true } = {}) {
    const log = await this.open();
    const book = new ReceiptBook(this.dir, { error: () => {} });
    const about = { key: thumbprint(this.device) };
    log.add({ act: "pair.enroll", outcome: "done", ...phone, about });
    for (let index = 0; index < count; index += 1) {
      const receipt = this.receipt(by, index);
      const digest = keeps ? book.keep(receipt) : "A".repeat(43);
      const said = { ...ids, decision: "accept", receipt: digest, key: thumbprint(by), ...forge };
      log.add({ act: "approval.answer", outcome: "done", ...phone, about: said });
    }
    await log.close();
  }

  receipt(device: SoftDevice, requestId: number) {
    const { publicKeySpkiDerBase64 } = device.identity;
    const proof = device.approve({ ...ids, requestId, command: ["ls"] }, "accept");
    return { acceptedAtMs: this.nowMs, deviceId: "dev_1", publicKeySpkiDerBase64, ...proof };
  }

  get verdict(): Promise<string> {
    return verifyAudit({ dir: this.dir }).catch((error: Error) => error.message);
  }

  get receiptsFile(): string {
    const folder = join(this.dir, "receipts");
    return join(folder, readdirSync(folder)[0] ?? "");
  }

  spoilReceipts(change: (lines: string[]) => readonly string[]): void {
    const lines = readFileSync(this.receiptsFile, "utf8").trimEnd().split("\n");
    writeFileSync(
      this.receiptsFile,
      change(lines)
        .map((line) => `${line}\n`)
        .join(""),
    );
  }
}

describe("receipts", () => {
  test("hold, are private, and are named by their month", async () => {
    const bench = new ReceiptBench();
    await bench.approved(3);
    expect(await bench.verdict).toContain("\n3 receipts of signed approvals hold, each with");
    expect(bench.receiptsFile).toMatch(/receipts\/2027-01\.jsonl$/);
    expect(statSync(bench.receiptsFile).mode & 0o777).toBe(0o600);
    expect(statSync(join(bench.dir, "receipts")).mode & 0o777).toBe(0o700);
  });

  test("are not asked for where nobody signed", async () => {
    const bench = new ReceiptBench();
    await bench.written(2);
    expect(await bench.verdict).not.toContain("receipt");
  });

  test("go on after one that a kill cut short, and after one that the log did not get to know", async () => {
    const bench = new ReceiptBench();
    await bench.approved(1);
    appendFileSync(bench.receiptsFile, '{"acceptedAtMs":18000');
    const book = new ReceiptBook(bench.dir, { error: () => {} });
    book.keep(bench.receipt(bench.device, 9));
    const verdict = await bench.verdict;
    expect(verdict).toContain("\n1 receipt of a signed approval holds");
    expect(verdict).toContain("\n1 more hold that the log does not name");
  });

  const edited = /^receipts\/2027-01\.jsonl, line 2: this receipt was edited/;
  test.each<[string, (line: string) => string, RegExp]>([
    [
      "another command",
      (line) => {
        const receipt = JSON.parse(line);
        const text = atob(receipt.signedPayloadBase64).replace("ls", "rm");
        return JSON.stringify({ ...receipt, signedPayloadBase64: btoa(text) });
      },
      edited,
    ],
    ["another time", (line) => line.replace(/"acceptedAtMs":\d+/, '"acceptedAtMs":1'), edited],
    ["a space", (line) => line.replace(":", ": "), edited],
    [
      "another device's key and signature",
      () => {
        const bench = new ReceiptBench();
        return JSON.stringify(bench.receipt(new SoftDevice(), 1));
      },
      edited,
    ],
    ["nothing", () => "", /^000000000001\.jsonl, line 4 .*the receipt of this approval is not/],
    ["half of it", (line) => line.slice(0, 80), /^000000000001\.jsonl, line 4 .*is not there/],
  ])("with %s in the second one are named", async (_what, change, fault) => {
    const bench = new ReceiptBench();
    await bench.approved(3);
    bench.spoilReceipts(([one = "", two = "", three = ""]) => [one, change(two), three]);
    expect(await bench.verdict).toMatch(fault);
  });

  test("that are all gone are missed", async () => {
    const bench = new ReceiptBench();
    await bench.approved(2);
    rmSync(join(bench.dir, "receipts"), { recursive: true });
    expect(await bench.verdict).toMatch(/line 3 .*the receipt of this approval is not there/);
  });

  test("of a key with which the device was not paired do not hold", async () => {
    const bench = new ReceiptBench();
    await bench.approved(1, { by: new SoftDevice() });
    expect(await bench.verdict).toMatch(/line 1: its key is not the one with which the device/);
  });

  test.each([{ threadId: "other" }, { itemId: "other" }, { decision: "acceptForSession" }])(
    "of another approval than the log says do not hold: %j",
    async (forge) => {
      const bench = new ReceiptBench();
      await bench.approved(1, { forge });
      expect(await bench.verdict).toMatch(/line 1: it is of another approval than the log says/);
    },
  );
});
