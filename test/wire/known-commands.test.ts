/** Under `untrusted`: commands that only read, in a real host. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { runDeclining } from "../helpers/declined-commands.ts";
import { useHostBench } from "../helpers/host-bench.ts";
import { needSandbox } from "../helpers/need-sandbox.ts";

const begin = useHostBench();
beforeEach(needSandbox);

test.each(["read-only", "workspace-write", "danger-full-access"])(
  "in %s they run unasked, and all else is asked about",
  async (sandbox) => {
    const bench = await begin();
    const { cwd } = bench.homes;
    writeFileSync(join(cwd, "a"), "one\ntwo\n");
    const threadId = await bench.client.startThread({ cwd, approvalPolicy: "untrusted", sandbox });
    const { asked, told } = await runDeclining(
      bench,
      threadId,
      "cat a | tail -n 1",
      "touch made",
      "bash -c 'wc -l a'",
      "wc -l a > made",
      "rm -f a",
    );
    expect(asked).toEqual([
      expect.stringContaining("touch made"),
      expect.stringContaining("> made"),
      expect.stringContaining("rm -f a"),
    ]);
    expect([told[0], told[2]]).toEqual([
      expect.stringMatching(/Output:\ntwo\n/),
      expect.stringMatching(/Output:\n2 a\n/),
    ]);
    expect(readdirSync(cwd)).toEqual(["a"]);
  },
);

test("in a thread without a sandbox they still do not show the host's own files", async () => {
  const bench = await begin();
  const { cwd, farhelmHome, codexHome } = bench.homes;
  mkdirSync(farhelmHome, { recursive: true });
  const canary = "canary-of-the-keys";
  writeFileSync(join(farhelmHome, "key"), canary);
  writeFileSync(join(codexHome, "auth.json"), canary);
  const threadId = await bench.client.startThread({
    cwd,
    approvalPolicy: "untrusted",
    sandbox: "danger-full-access",
  });
  const { asked, told } = await runDeclining(
    bench,
    threadId,
    `cat ${join(farhelmHome, "key")}`,
    `cat ${join(codexHome, "auth.json")}`,
    `grep -r canary ${bench.homes.root}`,
    `find ${farhelmHome} -type f`,
  );
  expect(asked).toEqual([]);
  expect(told.join("\n")).not.toContain(canary);
  expect(told[3]).not.toContain("key");
});

test("in a project that somebody marked as untrusted they run unasked without more being said", async () => {
  const bench = await begin();
  const { cwd } = bench.homes;
  const config = { projects: { [cwd]: { trust_level: "untrusted" } } };
  const threadId = await bench.client.startThread({ cwd, config });
  const { asked } = await runDeclining(bench, threadId, "ls", "ls $HOME");
  expect(asked).toEqual([expect.stringContaining("ls $HOME")]);
});
