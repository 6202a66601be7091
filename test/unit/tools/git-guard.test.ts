import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { standardEnvironment } from "../../../src/permissions/shell-environment.ts";
import { readOnlyGit } from "../../../src/permissions/read-only-git.ts";
import { noConfinement } from "../../helpers/no-sandbox.ts";
import { createClientProcesses } from "../../../src/tools/client-processes.ts";
import type { ClientProcesses } from "../../../src/tools/port.ts";

let folder: string;
let processes: ClientProcesses;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "farhelm-git-"));
  const kept = join(folder, "kept");
  mkdirSync(kept);
  writeFileSync(join(kept, "key"), "SECRET\n");
  processes = createClientProcesses({ protectedPaths: [kept], confinement: noConfinement });
});
afterEach(async () => {
  await processes.close();
  rmSync(folder, { recursive: true });
});

function git(...words: string[]): void {
  execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@y", ...words], {
    cwd: folder,
    stdio: "ignore",
  });
}

/** Runs a git command as a client without rights to run anything would. */
async function guarded(...words: string[]) {
  const output = { stdout: "", stderr: "" };
  const command = ["git", ...words];
  const reading = readOnlyGit(command);
  const running = await processes.start(
    processes,
    "g",
    {
      command,
      cwd: folder,
      environmentPolicy: standardEnvironment,
      env: {},
      terminal: undefined,
      takesInput: false,
      outputBytesCap: undefined,
      timeoutMs: undefined,
      limit: async () => reading && { kind: "git", git: reading },
    },
    (stream, bytes) => {
      output[stream] += bytes.toString();
      return undefined;
    },
  );
  const exitCode = await running.ended;
  return { exitCode, ...output };
}

describe("a guarded git command", () => {
  beforeEach(() => {
    git("init", "-q");
    writeFileSync(join(folder, "a.txt"), "one\n");
    git("add", "a.txt");
    git("commit", "-qm", "first");
    writeFileSync(join(folder, "a.txt"), "two\n");
  });

  test("shows what changed", async () => {
    expect(await guarded("status", "--porcelain")).toMatchObject({
      exitCode: 0,
      stdout: " M a.txt\n?? kept/\n",
    });
    expect((await guarded("diff")).stdout).toContain("-one\n+two\n");
    expect((await guarded("show", "HEAD:a.txt")).stdout).toBe("one\n");
  });

  test("starts nothing that the repository names, and writes nothing", async () => {
    const trap = join(folder, ".git", "trap");
    writeFileSync(trap, `#!/bin/sh\ntouch '${folder}/.git/sprung'\ncat\n`);
    chmodSync(trap, 0o755);
    mkdirSync(join(folder, ".git", "hooks"), { recursive: true });
    execFileSync("cp", [trap, join(folder, ".git", "hooks", "post-index-change")]);
    writeFileSync(join(folder, ".gitattributes"), "*.txt filter=Evil.Name diff=evil\n");
    const traps =
      "core.fsmonitor diff.external diff.evil.command diff.evil.textconv filter.Evil.Name.clean filter.Evil.Name.process core.pager pager.diff gpg.program core.sshCommand";
    for (const name of traps.split(" ")) git("config", name, trap);
    git("config", "filter.Evil.Name.required", "true");
    git("config", "log.showSignature", "true");
    rmSync(join(folder, ".git", "sprung"), { force: true });

    expect((await guarded("diff")).stdout).toContain("-one\n+two\n");
    expect(await guarded("status", "-s")).toMatchObject({ exitCode: 0 });
    expect(await guarded("show", "HEAD")).toMatchObject({ exitCode: 0 });
    expect(await guarded("ls-files", "-m")).toMatchObject({ stdout: "a.txt\n" });
    expect(existsSync(join(folder, ".git", "sprung"))).toBe(false);
    spawnSync("git", ["status", "-s"], { cwd: folder, stdio: "ignore" });
    expect(existsSync(join(folder, ".git", "sprung"))).toBe(true);
  });

  test("does not show what is the host's own", async () => {
    const paths = [
      ["kept/key", "/dev/null"],
      ["/dev/null", "./kept/../kept/key"],
      [".", "kept"],
      ["a.txt", "."],
    ];
    for (const words of paths) {
      await expect(guarded("diff", "--no-index", "--", ...words)).rejects.toMatchObject({
        kind: "refused",
      });
    }
    expect((await guarded("diff", "--no-index", "--", "/dev/null", "a.txt")).stdout).toContain(
      "+two",
    );
  });

  test("outside of a repository git itself says so", async () => {
    rmSync(join(folder, ".git"), { recursive: true });
    const result = await guarded("rev-parse", "--is-inside-work-tree");
    expect(result).toMatchObject({ exitCode: 128 });
    expect(result.stderr).toContain("not a git repository");
  });
});
