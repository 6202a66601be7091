import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { AuditEntry } from "../../../src/audit/port.ts";
import { strangerAt, by } from "../../../src/audit/port.ts";
import { verifyAudit } from "../../../src/audit/verify.ts";
import { SmallDisk } from "../../helpers/small-disk.ts";
import { call, LogBench, phone } from "./log-bench.ts";

const first = "000000000001.jsonl";
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const actsOf = (bench: LogBench): readonly string[] =>
  bench.lines.map((line) => String(JSON.parse(line).act));

describe("what is written", () => {
  test("is one line an entry, in the order in which they came, at the end of the tick", async () => {
    const bench = new LogBench();
    const log = await bench.open();
    log.add(call("a"));
    log.add({ act: "call", outcome: "denied", code: "role", ...phone });
    expect(bench.lines.length).toBe(1);
    await turn();
    expect(bench.lines.slice(1).map((line): unknown => JSON.parse(line))).toEqual([
      {
        sequence: 2,
        timeMs: bench.nowMs,
        act: "call",
        outcome: "done",
        who: { kind: "device", id: "dev_1", name: "Phone" },
        address: "10.0.0.7",
        about: { method: "turn/start", threadId: "a" },
        prev: expect.stringMatching(/^[\w-]{43}$/),
      },
      {
        sequence: 3,
        timeMs: bench.nowMs,
        act: "call",
        outcome: "denied",
        code: "role",
        who: { kind: "device", id: "dev_1", name: "Phone" },
        address: "10.0.0.7",
        prev: expect.stringMatching(/^[\w-]{43}$/),
      },
    ]);
    await log.close();
    expect(actsOf(bench)).toEqual(["audit.checkpoint", "call", "call", "audit.checkpoint"]);
  });

  test("is readable by its owner alone, and so is the key", async () => {
    const bench = new LogBench();
    await bench.written(1);
    const modes = ["audit", `audit/${first}`, "audit-key.json", "audit/public-key.json"].map(
      (name) => statSync(join(bench.home, name)).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o600, 0o600, 0o600]);
    expect(readFileSync(join(bench.dir, "public-key.json"), "utf8")).not.toContain('"d"');
  });

  test("goes on where it ended: a sequence is used once", async () => {
    const bench = new LogBench();
    await bench.written(2);
    await bench.written(2);
    expect(bench.lines.map((line): unknown => JSON.parse(line).sequence)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8,
    ]);
  });

  test("comes with a head that stays the same while nothing is added", async () => {
    const bench = new LogBench();
    const log = await bench.open();
    log.add(call("a"));
    const head = await log.head();
    expect(head).toMatchObject({ sequence: 2, publicKey: { kty: "EC", crv: "P-256" } });
    expect(await log.head()).toBe(head);
    log.add(call("b"));
    expect((await log.head()).sequence).toBe(3);
    await log.close();
  });

  test("after its end is nothing any more", async () => {
    const bench = new LogBench();
    const log = await bench.open();
    await log.close();
    log.add(call("late"));
    await log.close();
    await turn();
    expect(actsOf(bench)).toEqual(["audit.checkpoint", "audit.checkpoint"]);
  });
});

describe("a line that was not written to its end", () => {
  test("is taken away at the next start, at whatever byte it was torn, and that is written down", async () => {
    const whole = new LogBench();
    await whole.written(1);
    const lines = whole.linesOf();
    const last = Buffer.from(`${lines.at(-1)}\n`);
    const step = Math.ceil(last.length / 12);
    for (let bytes = 1; bytes < last.length; bytes += step) {
      const bench = new LogBench();
      const log = await bench.open();
      await log.close();
      appendFileSync(join(bench.dir, first), last.subarray(0, bytes));
      await (await bench.open()).close();
      const [, , , mended] = bench.lines.map((line): unknown => JSON.parse(line));
      expect(mended).toMatchObject({ sequence: 4, act: "audit.mended", about: { bytes } });
      expect(await verifyAudit({ dir: bench.dir })).toContain("is as it was written");
    }
  });

  test("that is the only one of a file leaves a file that goes on with the same sequence", async () => {
    const bench = new LogBench();
    await bench.written(1);
    writeFileSync(join(bench.dir, "000000000004.jsonl"), '{"seq');
    await bench.written(1);
    expect(bench.linesOf("000000000004.jsonl").length).toBe(4);
    expect(await verifyAudit({ dir: bench.dir })).toContain("7 lines in 2 files");
  });

  test("is not confused with one that cannot be read: that stays, and is named", async () => {
    const bench = new LogBench();
    await bench.written(1);
    appendFileSync(join(bench.dir, first), "\u0000\u0000\n");
    await bench.written(1);
    await expect(verifyAudit({ dir: bench.dir })).rejects.toThrow(
      `${first}, line 4: this line was`,
    );
    expect(JSON.parse(bench.lines.at(-1) ?? "").sequence).toBe(7);
  });
});

const knock = (address: string): AuditEntry => ({
  act: "upgrade.refused",
  outcome: "denied",
  code: "bearer_invalid",
  ...by(strangerAt(address)),
  about: { status: 401 },
});
const counted = (bench: LogBench): number =>
  bench.lines
    .map((line): { act: string; about?: { count?: number } } => JSON.parse(line))
    .filter(({ act }) => act === "upgrade.refused")
    .reduce((sum, { about }) => sum + (about?.count ?? 1), 0);

describe("many refusals", () => {
  test("of one network become one line with their count", async () => {
    const bench = new LogBench();
    const log = await bench.open();
    for (let index = 0; index < 5000; index += 1) log.add(knock("10.0.0.7"));
    for (let index = 0; index < 3; index += 1) log.add(knock(`2001:db8::${index}`));
    log.add({ act: "call", outcome: "done", ...phone });
    await turn();
    expect(bench.lines.length).toBe(1 + 30 + 3 + 1);
    await expect.poll(() => bench.lines.length, { timeout: 60_000 }).toBe(36);
    expect(JSON.parse(bench.lines.at(-1) ?? "")).toMatchObject({
      act: "upgrade.refused",
      outcome: "denied",
      code: "bearer_invalid",
      who: { kind: "unknown" },
      address: "10.0.0.7",
      about: { count: 4970, sinceMs: 1_800_000_000_000 },
    });
    bench.nowMs += 60_000;
    log.add(knock("10.0.0.7"));
    await log.close();
    expect(counted(bench)).toBe(5004);
    expect(JSON.parse(bench.lines.at(-2) ?? "")).toMatchObject({ about: { status: 401 } });
  });

  test("of many networks stay few lines, and none goes uncounted", async () => {
    const bench = new LogBench();
    const log = await bench.open();
    for (let index = 0; index < 20_000; index += 1) {
      log.add(knock(`2001:db8:${(index % 4000).toString(16)}::1`));
    }
    await log.close();
    expect(bench.lines.length).toBeLessThan(300);
    expect(counted(bench)).toBe(20_000);
  });

  test("of a device do not hide those of another on the same network", async () => {
    const bench = new LogBench();
    const log = await bench.open();
    for (let index = 0; index < 100; index += 1) log.add(knock("10.0.0.7"));
    log.add({ act: "call", outcome: "denied", code: "role", ...phone });
    await turn();
    expect(JSON.parse(bench.lines.at(-1) ?? "")).toMatchObject({ act: "call", code: "role" });
    await log.close();
  });
});

const disk = SmallDisk.make(6);

describe.skipIf(disk === undefined)("a full disk (needs root)", () => {
  afterAll(() => disk?.remove());

  test("makes the log unwritable, not the host; what waited comes when there is room", async () => {
    const small = disk ?? new SmallDisk();
    const bench = new LogBench(small.path);
    const log = await bench.open();
    log.add(call("before"));
    await turn();
    expect(log.writable).toBe(true);
    small.fill();
    for (let index = 0; index < 12_000; index += 1) log.add(call(`thread-${index}`));
    await turn();
    expect([log.writable, bench.failures]).toEqual([false, ["audit_unwritable"]]);
    expect(readFileSync(join(bench.dir, first), "utf8").endsWith("\n")).toBe(true);
    small.makeRoom();
    await expect.poll(() => log.writable, { timeout: 30_000 }).toBe(true);
    await log.close();
    expect(actsOf(bench).filter((act) => act === "call").length).toBe(10_001);
    expect(bench.lines.map((line): unknown => JSON.parse(line).about)).toContainEqual({
      count: 2000,
    });
    expect(await verifyAudit({ dir: bench.dir })).toContain("is as it was written");
  });
});
