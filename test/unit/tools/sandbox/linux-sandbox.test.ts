import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { LinuxSandbox } from "../../../../src/tools/sandbox/linux-sandbox.ts";
import { openPair } from "../../../../src/tools/sandbox/own-network.ts";
import { SandboxError } from "../../../../src/tools/sandbox/port.ts";
import { needSandbox } from "../../../helpers/need-sandbox.ts";

beforeEach(needSandbox);
afterEach(() => vi.useRealTimers());

/** A sandbox that a file is in the way of. */
function obstructed(): { readonly sandbox: LinuxSandbox; readonly obstacle: string } {
  const root = mkdtempSync(join(tmpdir(), "farhelm-sandbox-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const obstacle = join(root, "state");
  writeFileSync(obstacle, "");
  const stateFolder = join(obstacle, "sandbox");
  const path = process.env["PATH"] ?? "";
  return { sandbox: new LinuxSandbox({ stateFolder, hidden: [], path }), obstacle };
}

const request = {
  command: ["/bin/sh", "-c", ":"],
  cwd: "/",
  rules: {
    rules: [{ path: "/", access: "read" as const }],
    deniedGlobs: [],
    globScanMaxDepth: undefined,
  },
  network: false,
  environment: {},
};

describe("a sandbox that cannot be tried", () => {
  it("is none, and says why", async () => {
    const { sandbox } = obstructed();
    expect(await sandbox.state()).toEqual({
      works: false,
      reason: expect.stringMatching(/^the sandbox could not be tried \(ENOTDIR/),
      fix: expect.stringContaining("try again"),
    });
    await expect(sandbox.confine(request)).rejects.toThrow(SandboxError);
  });

  it("is looked at again some seconds later, and what works is remembered", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const { sandbox, obstacle } = obstructed();
    expect(await sandbox.state()).toMatchObject({ works: false });
    rmSync(obstacle);
    vi.advanceTimersByTime(9_000);
    expect(await sandbox.state()).toMatchObject({ works: false });
    vi.advanceTimersByTime(2_000);
    expect(await sandbox.state()).toMatchObject({ works: true });
    rmSync(obstacle, { recursive: true });
    vi.advanceTimersByTime(60_000);
    expect(await sandbox.state()).toMatchObject({ works: true });
    expect(readdirSync(join(obstacle, ".."))).toEqual([]);
  });
});

const openFiles = (): number => readdirSync("/proc/self/fd").length;

describe("two files that are opened together", () => {
  it("are both closed where one cannot be opened", () => {
    const before = openFiles();
    expect(() => openPair("/proc/self/ns/user", "/proc/self/ns/none")).toThrow(/ENOENT/);
    expect(openFiles()).toBe(before);
  });
});
