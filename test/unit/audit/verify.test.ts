import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lineOf, endOf, chainStart } from "../../../src/audit/audit-line.ts";
import { verifyAudit } from "../../../src/audit/verify.ts";
import { isRecord } from "../../../src/util/is-record.ts";
import { call, LogBench } from "./log-bench.ts";

const first = "000000000001.jsonl";

const outcome = async (options: Parameters<typeof verifyAudit>[0]): Promise<string> =>
  verifyAudit(options).catch((error: unknown) => (error instanceof Error ? error.message : ""));

/** The lines of a log whose chain was made anew from line `from` on, as somebody without the key can do it. */
function chainedAnew(lines: readonly string[], from: number): string[] {
  let end = chainStart;
  return lines.map((text, index) => {
    const line: unknown = JSON.parse(text);
    const members = isRecord(line) ? line : {};
    const anew =
      index < from ? text : JSON.stringify({ ...members, sequence: index + 1, prev: end.hash });
    end = endOf(anew, index + 1);
    return anew;
  });
}

describe("a log that nobody touched", () => {
  test("is as it was written, over restarts, with and without a head", async () => {
    const bench = new LogBench();
    await bench.written(3);
    const head = await bench.written(3);
    expect(await outcome({ dir: bench.dir })).toMatch(
      /is as it was written: 10 lines in 1 file, 4 signed checkpoints\.\n.* 0 lines stand behind .*\nWithout --head/,
    );
    expect(await outcome({ dir: bench.dir, head })).toMatch(
      /\nThe head of sequence 9 belongs to it\.$/,
    );
    const file = join(bench.home, "kept-head");
    writeFileSync(file, `${head}\n`);
    expect(await outcome({ dir: bench.dir, head: file })).toContain("belongs to it");
    const { head: alone, publicKey } = JSON.parse(head);
    expect(await outcome({ dir: bench.dir, head: String(alone) })).toContain("belongs to it");
    const key = join(bench.home, "kept-key");
    writeFileSync(key, JSON.stringify({ keys: [publicKey] }));
    expect(await outcome({ dir: bench.dir, head: String(alone), key })).toContain("belongs to it");
  });

  test("has a checkpoint at least every thousand lines, and files that carry on", async () => {
    const bench = new LogBench();
    const log = await bench.open({ maxFileBytes: 100_000 });
    for (let index = 0; index < 2500; index += 1) {
      log.add(call(`thread-${index}`));
      if (index % 97 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await log.close();
    expect(bench.files.length).toBeGreaterThan(4);
    expect(await outcome({ dir: bench.dir })).toContain("is as it was written");
  });
});

/** What is done to a log of ten calls: checkpoint, calls in lines 2 to 11, checkpoint. */
const tamperings: readonly {
  readonly what: string;
  readonly change: (lines: string[]) => readonly string[];
  readonly fault: string;
}[] = [
  {
    what: "a byte of a line was edited",
    change: (lines) => lines.with(4, (lines[4] ?? "").replace("Phone", "Phon3")),
    fault: `${first}, line 5 (sequence 5): this line was edited`,
  },
  {
    what: "the hash in a line was edited",
    change: (lines) => lines.with(4, (lines[4] ?? "").replace(/"prev":"./, '"prev":"-')),
    fault: `${first}, line 5 (sequence 5): this line was edited`,
  },
  {
    what: "the sequence of a line was edited",
    change: (lines) => lines.with(4, (lines[4] ?? "").replace('"sequence":5', '"sequence":7')),
    fault: `${first}, line 5 (sequence 7): this line was edited: its sequence should be 5`,
  },
  {
    what: "a line was made unreadable",
    change: (lines) => lines.with(4, (lines[4] ?? "").slice(1)),
    fault: `${first}, line 5: this line was edited: it cannot be read`,
  },
  {
    what: "a line was deleted",
    change: (lines) => lines.toSpliced(4, 1),
    fault: `${first}, line 5 (sequence 6): lines are missing before this one: sequence 5 is not there`,
  },
  {
    what: "three lines were deleted",
    change: (lines) => lines.toSpliced(4, 3),
    fault: `${first}, line 5 (sequence 8): lines are missing before this one: sequences 5 to 7 are`,
  },
  {
    what: "the first line was deleted",
    change: (lines) => lines.slice(1),
    fault: `${first}, line 1 (sequence 2): lines are missing before this one: sequence 1 is`,
  },
  {
    what: "two lines were swapped",
    change: (lines) => lines.with(4, lines[5] ?? "").with(5, lines[4] ?? ""),
    fault: `${first}, line 5 (sequence 6): lines were reordered: sequence 5 stands behind it`,
  },
  {
    what: "a line stands twice",
    change: (lines) => lines.toSpliced(5, 0, lines[4] ?? ""),
    fault: `${first}, line 6 (sequence 5): lines were reordered or repeated: sequence 6 should stand here`,
  },
  {
    what: "a line was put in, and the chain made anew without the key",
    change: (lines) => chainedAnew(lines.toSpliced(4, 0, lines[4] ?? ""), 4),
    fault: `${first}, line 13 (sequence 13): the signature of this checkpoint does not hold`,
  },
  {
    what: "all was written anew without checkpoints",
    change: (lines) => chainedAnew(lines.slice(1, -1), 0),
    fault: `${first}, line 1 (sequence 1): a signed checkpoint should stand before this line`,
  },
];

describe("what is done to a log afterwards", () => {
  test.each(tamperings)("$what: $fault", async ({ change, fault }) => {
    const bench = new LogBench();
    await bench.written(10);
    bench.spoil(change);
    expect(await outcome({ dir: bench.dir })).toContain(fault);
  });

  test("the last line was edited: the head says so", async () => {
    const bench = new LogBench();
    const head = await bench.written(10);
    bench.spoil((lines) => [...lines.slice(0, 10), (lines[10] ?? "").replace("done", "gone")]);
    expect(await outcome({ dir: bench.dir })).toContain("is as it was written");
    expect(await outcome({ dir: bench.dir, head })).toContain(
      `${first}, line 11 (sequence 11): this is not the line that the host had signed with the head`,
    );
  });

  test("the end was cut: only a head says so", async () => {
    const bench = new LogBench();
    const head = await bench.written(10);
    bench.spoil((lines) => lines.slice(0, 8));
    expect(await outcome({ dir: bench.dir })).toContain("is as it was written");
    expect(await outcome({ dir: bench.dir, head })).toContain(
      `${first}, line 8 (sequence 8): the log was cut after this line: sequences 9 to 11 are not there`,
    );
  });

  test("the last line is torn", async () => {
    const bench = new LogBench();
    await bench.written(3);
    appendFileSync(join(bench.dir, first), '{"sequence":6,"ti');
    expect(await outcome({ dir: bench.dir })).toContain(
      `${first}, line 6: this line was not written to its end`,
    );
  });

  test("everything was written anew with another key: a head or a kept key says so", async () => {
    const [bench, forger] = [new LogBench(), new LogBench()];
    const head = await bench.written(10);
    const key = join(bench.home, "kept-key");
    copyFileSync(join(bench.dir, "public-key.json"), key);
    await forger.written(12);
    rmSync(bench.dir, { recursive: true });
    renameSync(forger.dir, bench.dir);
    expect(await outcome({ dir: bench.dir })).toContain("is as it was written");
    const signature = `${first}, line 1 (sequence 1): the signature of this checkpoint does not hold`;
    expect(await outcome({ dir: bench.dir, head })).toContain(signature);
    expect(await outcome({ dir: bench.dir, key })).toContain(signature);
    const alone = String(JSON.parse(head).head);
    expect(await outcome({ dir: bench.dir, head: alone })).toContain(
      "The head is not signed with the key of this log",
    );
  });

  test("everything was written anew with the host's own key: a head says so", async () => {
    const bench = new LogBench();
    const head = await bench.written(10);
    rmSync(bench.dir, { recursive: true });
    bench.nowMs += 1;
    await bench.written(12);
    expect(await outcome({ dir: bench.dir })).toContain("is as it was written");
    expect(await outcome({ dir: bench.dir, head })).toContain("the log was written anew");
  });
});

const rotated = async (): Promise<{
  bench: LogBench;
  head: string;
  files: readonly string[];
}> => {
  const bench = new LogBench();
  const head = await bench.written(30, 2000);
  const { files } = bench;
  expect(files.length).toBeGreaterThan(3);
  expect(await outcome({ dir: bench.dir, head })).toContain("belongs to it");
  return { bench, head, files };
};

describe("the files of a log", () => {
  test("the oldest one is missing", async () => {
    const { bench, files } = await rotated();
    rmSync(join(bench.dir, files[0] ?? ""));
    const from = Number.parseInt(files[1] ?? "", 10);
    expect(await outcome({ dir: bench.dir })).toContain(
      `${files[1]}, line 1 (sequence ${from}): lines are missing before this one: sequences 1 to ${from - 1} are`,
    );
  });

  test("one in the middle is missing", async () => {
    const { bench, files } = await rotated();
    rmSync(join(bench.dir, files[1] ?? ""));
    expect(await outcome({ dir: bench.dir })).toMatch(
      new RegExp(`^${files[2]}, line 1 .*lines are missing before this one`),
    );
  });

  test("the newest one is missing", async () => {
    const { bench, files, head } = await rotated();
    rmSync(join(bench.dir, files.at(-1) ?? ""));
    expect(await outcome({ dir: bench.dir })).toContain("is as it was written");
    expect(await outcome({ dir: bench.dir, head })).toContain("the log was cut after this line");
  });

  test("two have changed their names", async () => {
    const { bench, files } = await rotated();
    const [one, two] = [join(bench.dir, files[1] ?? ""), join(bench.dir, files[2] ?? "")];
    const text = readFileSync(one);
    renameSync(two, one);
    writeFileSync(two, text);
    expect(await outcome({ dir: bench.dir })).toContain(`${files[1]}, line 1`);
  });

  test("one was given another name", async () => {
    const { bench, files } = await rotated();
    const last = files.at(-1) ?? "";
    renameSync(join(bench.dir, last), join(bench.dir, "999999999999.jsonl"));
    expect(await outcome({ dir: bench.dir })).toContain("the file's name says");
  });

  test("there are none", async () => {
    const bench = new LogBench();
    expect(await outcome({ dir: bench.dir })).toContain("There is no audit log in");
    mkdirSync(bench.dir);
    expect(await outcome({ dir: bench.dir })).toContain("There is no audit log in");
  });

  test("there is no key", async () => {
    const bench = new LogBench();
    await bench.written(1);
    rmSync(join(bench.dir, "public-key.json"));
    expect(await outcome({ dir: bench.dir })).toContain("There is no P-256 public key in");
  });
});

test("no line holds a control character or more than 200 characters of anybody's text", () => {
  const who = {
    kind: "device" as const,
    id: "dev_1",
    name: `a\u001b[31m\n\u202eb${"x".repeat(500)}`,
  };
  const entry = { act: "call" as const, outcome: "done" as const, who, address: "10.0.0.7" };
  const line: unknown = JSON.parse(lineOf({ timeMs: 1, entry }, chainStart));
  expect(line).toMatchObject({ who: { ...who, name: `a[31mb${"x".repeat(194)}` } });
});
