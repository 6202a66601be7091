import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { AuditLog } from "../../../src/audit/audit-log.ts";
import { openAuditLog } from "../../../src/audit/audit-log.ts";
import type { AuditEntry } from "../../../src/audit/port.ts";
import { by } from "../../../src/audit/port.ts";

export const phone = by({ kind: "device", id: "dev_1", name: "Phone", address: "10.0.0.7" });

export const call = (threadId: string): AuditEntry => ({
  act: "call",
  outcome: "done",
  ...phone,
  about: { method: "turn/start", threadId },
});

/** A log in a home of its own, with what a test needs to look at it and to spoil it. */
export class LogBench {
  readonly home: string;
  readonly dir: string;
  readonly failures: string[] = [];
  nowMs = 1_800_000_000_000;

  constructor(folder = tmpdir()) {
    this.home = mkdtempSync(join(folder, "farhelm-audit-"));
    this.dir = join(this.home, "audit");
    onTestFinished(() => rmSync(this.home, { recursive: true, force: true }));
  }

  open(more: { maxFileBytes?: number; ownClock?: boolean } = {}): Promise<AuditLog> {
    const { ownClock = true, ...options } = more;
    return openAuditLog({
      farhelmHome: this.home,
      log: { error: (event) => void this.failures.push(event) },
      ...(ownClock && { nowMs: () => this.nowMs }),
      ...options,
    });
  }

  /** A log with `count` calls, closed; the head of its middle, as a device keeps it. */
  async written(count: number, maxFileBytes = 1_000_000): Promise<string> {
    const log = await this.open({ maxFileBytes });
    let head = "";
    for (let index = 1; index <= count; index += 1) {
      log.add(call(`thread-${index}`));
      if (index === count) head = JSON.stringify(await log.head());
      else await new Promise((resolve) => setImmediate(resolve));
    }
    await log.close();
    return head;
  }

  get files(): readonly string[] {
    return readdirSync(this.dir)
      .filter((name) => name.endsWith(".jsonl"))
      .toSorted();
  }

  get lines(): readonly string[] {
    return this.files.flatMap((name) => this.linesOf(name));
  }

  linesOf(name = "000000000001.jsonl"): string[] {
    return readFileSync(join(this.dir, name), "utf8").split("\n").slice(0, -1);
  }

  /** Puts other lines into the place of a file's. */
  spoil(change: (lines: string[]) => readonly string[], name = "000000000001.jsonl"): void {
    const lines = change(this.linesOf(name));
    writeFileSync(join(this.dir, name), lines.map((line) => `${line}\n`).join(""));
  }
}
