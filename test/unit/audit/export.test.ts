import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { exportAudit } from "../../../src/audit/export.ts";
import { runCli } from "../cli/fake-outside.ts";
import { call, LogBench } from "./log-bench.ts";

const startMs = 1_800_000_000_000;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A log of three calls, a second apart; the second by a device with this name. */
async function logOf(name: string): Promise<LogBench> {
  const bench = new LogBench();
  const log = await bench.open();
  for (const [at, who] of ["One", name, "Three"].entries()) {
    bench.nowMs = startMs + at * 1000;
    log.add({ ...call(`t${at}`), who: { kind: "device", id: `dev_${at}`, name: who } });
    await turn();
  }
  await log.close();
  return bench;
}

const csv = (bench: LogBench, more: object = {}): readonly string[] =>
  [...exportAudit({ dir: bench.dir, format: "csv", ...more })].join("").split("\r\n");

describe("the log for other programs", () => {
  test("is the very lines as JSONL", async () => {
    const bench = await logOf("Two");
    const lines = [...exportAudit({ dir: bench.dir, format: "jsonl" })];
    expect(lines).toEqual(bench.lines.map((line) => `${line}\n`));
  });

  test("is a row for each line as CSV", async () => {
    const bench = await logOf("Two");
    const [head, , first, , , last] = csv(bench);
    expect(head).toBe("sequence,time,act,outcome,code,kind,id,name,address,about");
    expect(first).toBe(
      '2,"2027-01-15T08:00:00.000Z","call","done",,"device","dev_0","One","10.0.0.7","{""method"":""turn/start"",""threadId"":""t0""}"',
    );
    expect(last).toMatch(/^5,"2027-01-15T08:00:02.000Z","audit.checkpoint","done",,"host",/);
  });

  test("begins and ends when it is told to", async () => {
    const bench = await logOf("Two");
    const of = { sinceMs: startMs + 1000, untilMs: startMs + 2000 };
    expect(csv(bench, of).map((row) => row.split(",")[0])).toEqual(["sequence", "3", ""]);
  });

  test.each([
    ["=cmd|'/C calc'!A0", `"'=cmd|'/C calc'!A0"`],
    ["+1", `"'+1"`],
    ["-1+2", `"'-1+2"`],
    ["@SUM(A1)", `"'@SUM(A1)"`],
    [" =1+1", `"' =1+1"`],
    ["\t=1", `"'=1"`],
    ["＝1", `"'＝1"`],
    ['a","=1', `"a"",""=1"`],
    ["two\r\nrows", `"tworows"`],
    ["\u001b[31mred\u202e", `"[31mred"`],
    ["plain = name", `"plain = name"`],
  ])("as CSV starts no formula and breaks no row: %j", async (name, cell) => {
    const rows = csv(await logOf(name));
    expect(rows.length).toBe(7);
    expect(rows[3]).toContain(`"dev_1",${cell},"10.0.0.7"`);
  });

  test("leaves out what cannot be read, and says so", async () => {
    const bench = await logOf("Two");
    appendFileSync(join(bench.dir, "000000000001.jsonl"), "{}\n");
    const seen: string[] = [];
    expect(() => {
      for (const line of exportAudit({ dir: bench.dir, format: "jsonl" })) seen.push(line);
    }).toThrow("1 lines could not be read");
    expect(seen.length).toBe(5);
  });
});

describe("on the command line", () => {
  test("the log is the one of FARHELM_HOME unless another is named", async () => {
    const env = { HOME: "/home/somebody" };
    const verified = await runCli(["audit", "verify"], { env });
    expect(verified).toMatchObject({ code: 0, out: "looked into /home/somebody/.farhelm/audit\n" });
    const other = await runCli(["audit", "verify", "--dir", "/backup"], { env });
    expect(other.out).toBe("looked into /backup\n");
    expect((await runCli(["audit", "export", "--format", "csv"], { env })).out).toBe(
      "the log as csv\n",
    );
  });

  test.each([
    [["--since", "yesterday"], "--since yesterday is no time"],
    [["--until", "2026-13-45"], "--until 2026-13-45 is no time"],
    [["--format", "xlsx"], "xlsx"],
  ])("%j is refused with a sentence", async (flags, sentence) => {
    const outcome = await runCli(["audit", "export", ...flags], { env: { HOME: "/h" } });
    expect(outcome).toMatchObject({ code: 1, out: "", err: expect.stringContaining(sentence) });
  });
});
