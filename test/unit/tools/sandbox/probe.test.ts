import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { probeFault } from "../../../../src/tools/sandbox/probe.ts";

const environment = { PATH: process.env["PATH"] ?? "" };
const bash = (script: string) => ({ command: ["/bin/bash", "-c", script], environment });

describe("a trial run", () => {
  test("has no fault, or the one that the program names", async () => {
    expect(await probeFault(bash(":"))).toBeUndefined();
    expect(await probeFault(bash("echo no namespaces >&2; exit 3"))).toBe("no namespaces");
    expect(await probeFault(bash("exit 3"))).toBe("it ended with 3");
    expect(await probeFault({ command: ["/nowhere/bwrap"], environment })).toMatch(/ENOENT/);
  });

  test("ends with all that it started, also where it ignores polite signals", async () => {
    const folder = mkdtempSync(join(tmpdir(), "farhelm-probe-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "pid");
    const script = `trap '' HUP INT QUIT TERM; sleep 1000 & echo $! > ${file}.part; mv ${file}.part ${file}; wait`;
    const fault = probeFault(bash(script), 3_000);
    await vi.waitFor(() => expect(existsSync(file)).toBe(true), 10_000);
    const pid = Number(readFileSync(file, "utf8"));
    expect(await fault).toBe("it was not done after 3000 ms");
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false), 10_000);
  });
});

/** What has ended and was not waited for is still listed. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
