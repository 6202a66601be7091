/** What is known of scripts before they run. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { array, asyncProperty, assert as holds, constantFrom } from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { CommandRisk } from "../../../src/permissions/command-risk.ts";
import { riskOf } from "../../../src/permissions/command-risk.ts";
import { readCommand } from "../../../src/tools/read-command.ts";
import { createShellParser } from "../../../src/tools/shell-parser.ts";

const parse = createShellParser((error) => {
  throw error;
});
const shell = "/bin/bash";
const riskIn = async (script: string, program = shell): Promise<CommandRisk> =>
  riskOf(await readCommand(parse, [program, "-lc", script], shell));

const unreadable = (): Promise<undefined> => Promise.resolve(undefined);

const Lines = z.array(z.string());
/** What the stock server 0.128.0 did with each of them under `untrusted`, asked one by one. */
const { run, askedHereAlone, ask } = z
  .object({ run: Lines, askedHereAlone: Lines, ask: Lines })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, "fixtures/scripts.json"), "utf8")));

describe("beside the stock server", () => {
  test("hundreds of scripts are there to compare", () => {
    expect(run.length).toBeGreaterThan(100);
    expect(ask.length).toBeGreaterThan(200);
    expect(new Set([...run, ...askedHereAlone, ...ask]).size).toBeGreaterThan(400);
  });

  test.each(run)("it runs %j, and it only reads", async (script) => {
    expect(await riskIn(script)).toBe("readOnly");
  });

  test.each(askedHereAlone)("it runs %j, which is asked about here", async (script) => {
    expect(await riskIn(script)).toBe("unknown");
  });

  test.each(ask)("it asks about %j", async (script) => {
    expect(await riskIn(script)).not.toBe("readOnly");
  });
});

describe("a way to hide what runs", () => {
  const ways: readonly (readonly [string, string])[] = [
    ["a line break", "ls\ntouch x"],
    ["a line break behind a comment", "ls #\ntouch x"],
    ["a carriage return", "ls\rtouch x"],
    ["a null byte", "ls\0; touch x"],
    ["a vertical tab", "ls\u000b-la"],
    ["a next-line character", "ls\u0085touch x"],
    ["a line separator", "ls\u2028touch x"],
    ["a space that is none", "ls\u00a0x"],
    ["an ideographic space", "ls\u3000x"],
    ["text that turns round", "ls \u202etouch"],
    ["nothing between letters", "ls\u200b -la"],
    ["ANSI quotes", "find . $'-exec' touch x ';'"],
    ["ANSI quotes with escapes", String.raw`find . $'\x2dexec' touch x ';'`],
    ["translated quotes", 'find . $"-exec" touch x ";"'],
    ["quotes within an option", "find . -ex'ec' touch x ';'"],
    ["a backslash within an option", String.raw`find . -ex\ec touch x ';'`],
    ["an option in braces", "find . {-exec,touch,x,';'}"],
    ["a file with an option's name", "find *"],
    ["the same in a folder", "cat ./*"],
    ["a class of characters", "find . [-]exec touch x ';'"],
    ["a pattern of zsh's", "find . ^x"],
    ["another one", "find . -^x"],
    ["a program by zsh's name for it", "cat =touch"],
    ["an assignment before", "GIT_EXTERNAL_DIFF=./x git diff"],
    ["an assignment of the path", "PATH=. ls"],
    ["an assignment by itself", "PATH=.; ls"],
    ["an alias", "alias ls=touch; ls x"],
    ["a function", "ls() { touch x; }; ls"],
    ["a function, spelled out", "function ls { touch x; }; ls"],
    ["a redirection", "echo x > .bashrc"],
    ["a redirection without blanks", "echo x>.bashrc"],
    ["a redirection that appends", "echo x >> .bashrc"],
    ["a redirection of both", "echo x &> y"],
    ["a redirection that clobbers", "echo x >| y"],
    ["a redirection before", "> y echo x"],
    ["a redirection to a device", "echo x > /dev/tcp/127.0.0.1/80"],
    ["a here-document", "cat << EOF\n$(touch x)\nEOF"],
    ["a here-string", "cat <<< $(touch x)"],
    ["a substitution", "echo $(touch x)"],
    ["an old substitution", "echo `touch x`"],
    ["a substitution in quotes", 'echo "$(touch x)"'],
    ["a substitution of a process", "cat <(touch x)"],
    ["a substitution that is written", "echo x > >(touch x)"],
    ["arithmetic", "echo $((a[$(touch x)]))"],
    ["a variable", "echo ${x:=$(touch x)}"],
    ["the background", "ls & touch x"],
    ["a group", "{ ls; touch x; }"],
    ["a subshell", "(touch x)"],
    ["a negation", "! touch x"],
    ["a condition", "if true; then touch x; fi"],
    ["a loop", "for f in x; do touch $f; done"],
    ["a choice", "case x in x) touch x;; esac"],
    ["a coprocess", "coproc touch x"],
    ["a test with side effects", "[[ -v a[$(touch x)] ]]"],
    ["a script from a file", ". ./x"],
    ["a script from words", "eval touch x"],
    ["another shell", "bash -c 'touch x'"],
    ["another shell, twice", "bash -lc \"bash -c 'touch x'\""],
    ["another shell with a startup file", "bash --rcfile x -ic ls"],
    ["another shell that reads its input", "echo 'touch x' | bash"],
    ["another shell with an argument", "bash -c ls touch"],
    ["another shell with options apart", "bash -c -x ls"],
    ["a program of the folder's", "./cat x"],
    ["a program of a folder's in the path", "sub/cat x"],
    ["a program of another folder's", "/tmp/bin/cat x"],
    ["a folder that looks like the system's", "/usr/bin/../../tmp/cat x"],
    ["a name in capitals", "LS"],
    ["git's settings", "git -c core.pager=touch log"],
    ["git's settings, joined", "git -ccore.fsmonitor=touch status"],
    ["git's settings by a variable", "git --config-env=core.pager=HOME log"],
    ["another repository of git's", "git --git-dir=x log"],
    ["another folder of git's", "git -C sub/bare log"],
    ["git's programs", "git --exec-path=. status"],
    ["git's pager", "git -p log"],
    ["git's pager of found files", "git grep -Otouch x"],
    ["git's output", "git log --output=x"],
    ["git's output, shortened", "git log --outp=x"],
    ["git's drivers", "git diff --ext-diff"],
    ["git's filters", "git log --textconv -p"],
    ["git's signatures", "git log --show-signature"],
    ["git's signatures in a format", "git log --format=%G?"],
    ["git's signatures of a branch", "git branch --format=%(signature)"],
    ["git's new branch", "git branch x"],
    ["git's new branch behind dashes", "git branch -- x"],
    ["git's editor", "git branch --edit-description"],
    ["ripgrep's reader", "rg --pre=touch x"],
    ["ripgrep's reader apart", "rg --pre touch x"],
    ["ripgrep's host name", "rg --hostname-bin=touch x"],
    ["ripgrep's archives among options", "rg -nzi x"],
    ["find that deletes", "find . -name x -delete"],
    ["find that runs", "find . -okdir touch {} +"],
    ["find that writes", "find . -fprintf x y"],
    ["sed that writes", "sed -n 'w x' y"],
    ["sed that runs", "sed -n '1e touch x' y"],
    ["sed in place", "sed -n 1p -i"],
    ["a second script of sed's", "sed -n 1p -es/a/b/w"],
    ["a file of uniq's", "uniq a b"],
    ["a file of uniq's that looks like an option", "uniq a -c"],
    ["a file of base64's", "base64 -Do x"],
    ["something that runs its words", "xargs touch"],
    ["the same with a wrapper", "env touch x"],
    ["privileges", "sudo ls"],
    ["an unfinished quote", "echo 'x"],
    ["an unfinished connector", "ls &&"],
    ["nothing", ""],
    ["blanks", "  \n "],
    ["a comment alone", "# ls"],
  ];

  test.each(ways)("%s is not taken for reading", async (_what, script) => {
    expect(await riskIn(script)).not.toBe("readOnly");
  });

  test.each(["/tmp/bash", "/usr/bin/fish", "/usr/bin/../../tmp/bash", "/bin/ksh"])(
    "nor is anything that is given to %s",
    async (program) => {
      expect(await riskIn("ls", program)).toBe("unknown");
      expect(await riskIn("rm -f x", program)).toBe("forced");
    },
  );
});

describe("a shell", () => {
  let folder: string;
  const names = ["cat", "ls", "head", "wc", "touch", "rm"];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "farhelm-scripts-"));
    mkdirSync(join(folder, "bin"));
    mkdirSync(join(folder, "work"));
    const recorder = join(folder, "recorder");
    writeFileSync(
      recorder,
      `#!/bin/sh\n{ printf '%s\\037' "\${0##*/}" "$@"; printf '\\036'; } >> '${folder}/log'\n`,
    );
    chmodSync(recorder, 0o755);
    for (const name of names) symlinkSync(recorder, join(folder, "bin", name));
    for (const name of ["-exec", "a", "b", "x y"]) writeFileSync(join(folder, "work", name), "");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The commands that a real shell starts for it. */
  function started(program: string, script: string): string[] {
    const log = join(folder, "log");
    writeFileSync(log, "");
    try {
      execFileSync(program, ["-c", script], {
        cwd: join(folder, "work"),
        env: { PATH: join(folder, "bin"), HOME: folder },
        stdio: "ignore",
      });
    } catch {
      // its exit code says nothing here
    }
    return readFileSync(log, "utf8").split("\u001e").slice(0, -1);
  }

  test("starts of a plain script what was read, and nothing else", async () => {
    const part = constantFrom(
      ...names,
      ..."a b -n -exec 'x' \"y\" 'x y' '\\' \"\\.\" -' '\" ' \" ~ ^ = * ? [a] {a,b} $a $(ls) `ls` \\ \\; #".split(
        " ",
      ),
      "; ",
      " && ",
      " || ",
      "||",
      " | ",
      "&",
      ">",
      "<",
      "(",
      ")",
      "!",
      "=",
      "A=1 ",
      "\n",
      "\t",
      "\r",
      " ",
      " ",
      " ",
      "\u00a0",
      "é",
    );
    let plain = 0;
    await holds(
      asyncProperty(array(part, { minLength: 1, maxLength: 10 }), async (parts) => {
        const script = `ls ${parts.join("")}`;
        const read = await readCommand(parse, [shell, "-c", script], shell);
        if (!read?.isPlain) return;
        plain++;
        const expected = new Set(read.commands.map((words) => `${words.join("\u001f")}\u001f`));
        for (const program of ["/bin/bash", "/bin/sh"]) {
          const own = started(program, script).filter((words) => !expected.has(words));
          expect({ script, program, own }).toEqual({ script, program, own: [] });
        }
      }),
      { numRuns: 1500 },
    );
    expect(plain).toBeGreaterThan(50);
    expect(readdirSync(join(folder, "work")).toSorted()).toEqual(["-exec", "a", "b", "x y"]);
  }, 120_000);
});

describe("deleting by force", () => {
  test.each([
    "rm -f x",
    "rm -rf x",
    "rm -fr x",
    "rm -r -f x",
    "rm -Rfv x",
    "rm --force x",
    "rm -v x -f",
    "/bin/rm -rf x",
    "'rm' -rf x",
    "r''m -rf x",
    "r\\m -rf x",
    "rm -rf",
    "sudo rm -rf x",
    "env rm -rf x",
    "command rm -rf x",
    "sudo env rm -f x",
    "bash -lc 'rm -rf x'",
    "sh -c 'bash -c \"rm -rf x\"'",
    "ls; rm -rf x",
    "ls\nrm -rf x",
    "rm -rf $HOME/x",
    'rm -rf "x"*',
    "(rm -rf x)",
    "if true; then rm -rf x; fi",
    "rm -rf x > /dev/null 2>&1",
    "A=1 rm -rf x",
    "rm -rf x &",
    "! rm -rf x",
    "rm -rf x # y",
    "echo $(rm -rf x)",
    "rm -rf ~/x",
    "f() { rm -rf x; }",
    `${"echo x\n".repeat(500)}rm -rf x`,
  ])("is seen in %j", async (script) => {
    expect(await riskIn(script)).toBe("forced");
  });

  test.each([
    "rm x",
    "rm -r x",
    "rm -i x",
    "echo 'rm -rf x'",
    "cat << EOF\nrm -rf x\nEOF",
    "git rm -f x",
    "rmdir x",
    "grep -f rm x",
    "sudo -n rm -rf x",
  ])("is not %j", async (script) => {
    expect(await riskIn(script)).not.toBe("forced");
  });
});

describe("reading a script", () => {
  test.each([
    ["too much", "ls ".repeat(20_000)],
    ["too deep", "$(".repeat(5_000)],
    ["many brackets", "(".repeat(10_000)],
    ["many quotes", "'\"".repeat(10_000)],
    ["many here-documents", "cat << A\n".repeat(3_000)],
    ["shells in shells", Array(40).fill("bash -c 'ls'").join(";") + "; rm x"],
  ])("ends soon: %s", async (_what, script) => {
    await riskIn("ls");
    const startedMs = performance.now();
    expect(await riskIn(script)).toBe("unknown");
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(await riskIn("ls")).toBe("readOnly");
  });

  test("needs a grammar; without one nothing is known", async () => {
    const read = await readCommand(unreadable, [shell, "-lc", "ls"], shell);
    expect(riskOf(read)).toBe("unknown");
  });
});
