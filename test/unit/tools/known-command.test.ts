/** The agent's commands of which something is known. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { standardEnvironment } from "../../../src/permissions/shell-environment.ts";
import { ToolBench } from "./tool-bench.ts";

let bench: ToolBench;
beforeEach(() => {
  bench = new ToolBench();
  bench.verdict = () => Promise.resolve("declined");
});
afterEach(() => bench.close());

const asked = (): number => bench.told.filter(({ kind }) => kind === "asked").length;
const at = (name: string): string => join(bench.folder, name);

describe("under `untrusted`", () => {
  beforeEach(() => {
    bench.approvalPolicy = "untrusted";
  });

  test("what only reads runs without a question", async () => {
    writeFileSync(at("a"), "one\ntwo\n");
    expect(await bench.exec("cat a | tail -n 1; bash -lc 'wc -l a'")).toMatch(/two\n2 a\n/);
    expect(asked()).toBe(0);
  });

  test.each([
    ["anything else", "touch made", {}],
    ["what nobody can read", "ls $(touch made)", {}],
    ["what the agent wants out of the sandbox", "ls", { sandbox_permissions: "require_escalated" }],
  ])("%s is asked about", async (_what, script, more) => {
    expect(await bench.exec(script, more)).toMatch(/rejected by the user/);
    expect(asked()).toBe(1);
    expect(existsSync(at("made"))).toBe(false);
  });

  test("what a shell of the agent's own is given is asked about", async () => {
    writeFileSync(at("bash"), "#!/bin/sh\ntouch made\n", { mode: 0o755 });
    for (const shell of [at("bash"), `../..${at("bash")}`]) {
      expect(await bench.exec("ls", { shell })).toMatch(/rejected by the user/);
    }
    expect(asked()).toBe(2);
    expect(existsSync(at("made"))).toBe(false);
  });

  test("what only reads is asked about as well where it would run outside of its sandbox", async () => {
    bench.sandboxPolicy = { type: "readOnly", networkAccess: false };
    expect(await bench.exec("ls")).toMatch(/rejected by the user/);
    expect(asked()).toBe(1);
  });

  test("git starts nothing that a repository names", async () => {
    const git = (...words: readonly string[]): void => {
      execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@y", ...words], {
        cwd: bench.folder,
        stdio: "ignore",
      });
    };
    const names = `#!/bin/sh\ntouch '${at("made")}'\n`;
    writeFileSync(at("run"), names, { mode: 0o755 });
    git("init", "-q");
    git("add", "run");
    git("commit", "-q", "-m", "first");
    for (const name of ["core.fsmonitor", "core.pager"]) git("config", name, at("run"));
    writeFileSync(at("run"), `${names}# changed\n`);
    const hooks = at(".git/hooks");
    mkdirSync(hooks, { recursive: true });
    writeFileSync(join(hooks, "post-index-change"), names, { mode: 0o755 });
    // what a clone can bring along: a folder that git takes for a repository
    mkdirSync(at("bare/refs"), { recursive: true });
    mkdirSync(at("bare/objects"));
    writeFileSync(at("bare/HEAD"), "ref: refs/heads/main\n");
    writeFileSync(
      at("bare/config"),
      `[core]\nrepositoryformatversion = 0\nbare = false\nworktree = ${bench.folder}\nfsmonitor = ${at("run")}\n`,
    );
    expect(await bench.exec("git status --short")).toMatch(/ M run/);
    expect(await bench.exec("git diff; git log -p -n 1; git show HEAD", { tty: true })).toMatch(
      /# changed/,
    );
    expect(await bench.exec("cd bare && git status; git log")).toMatch(/exited with code 128/);
    await bench.exec("git status", { workdir: "bare" });
    expect(asked()).toBe(0);
    expect(existsSync(at("made"))).toBe(false);
  });
});

test("what the user's environment gives git counts for what only reads, too", async () => {
  const git = { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "color.ui", GIT_CONFIG_VALUE_0: "always" };
  const own = new ToolBench({ env: { ...process.env, ...git } });
  try {
    own.approvalPolicy = "untrusted";
    own.environmentPolicy = { ...standardEnvironment, ignoreDefaultExcludes: true };
    execFileSync("git", ["init", "-q"], { cwd: own.folder });
    writeFileSync(join(own.folder, "a"), "");
    expect(await own.exec("git status --short")).toContain("\u001b[31m??\u001b[m a");
    own.environmentPolicy = standardEnvironment;
    expect(await own.exec("git status --short")).toContain("\n?? a");
  } finally {
    await own.close();
  }
});

describe("deleting by force", () => {
  test.each([
    ["in danger-full-access", { type: "dangerFullAccess" }],
    ["in a sandbox of somebody else's", { type: "externalSandbox", networkAccess: "enabled" }],
  ] as const)("is asked about %s", async (_what, policy) => {
    bench.sandboxPolicy = policy;
    writeFileSync(at("kept"), "");
    expect(await bench.exec("ls && rm -rf kept")).toMatch(/rejected by the user/);
    expect(asked()).toBe(1);
    expect(existsSync(at("kept"))).toBe(true);
    bench.verdict = () => Promise.resolve("run");
    await bench.exec("rm -rf kept");
    expect(existsSync(at("kept"))).toBe(false);
  });

  test("is refused under `never`, and nothing but that is", async () => {
    bench.approvalPolicy = "never";
    writeFileSync(at("kept"), "");
    expect(await bench.exec("rm -f kept")).toMatch(/rm -f style commands are not permitted/);
    expect(bench.told).toEqual([]);
    expect(existsSync(at("kept"))).toBe(true);
    await bench.exec("rm kept");
    expect(existsSync(at("kept"))).toBe(false);
  });
});
