import { execFileSync } from "node:child_process";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commandActions } from "../../../src/tools/command-actions.ts";
import { patchInvocation } from "../../../src/tools/patch-invocation.ts";
import { quoteArguments } from "../../../src/tools/shell-quote.ts";

const raw = String.raw;

describe("a command line is quoted as clients expect it", () => {
  test.each([
    ["ls", "ls"],
    ["", "''"],
    ["git status", "'git status'"],
    ["echo it's", `"echo it's"`],
    ['echo "a"', `'echo "a"'`],
    [`echo 'a' "b"`, raw`"echo 'a' \"b\""`],
    ["echo $HOME", "'echo $HOME'"],
    ["echo a!b", "'echo a!b'"],
    [`echo 'x!y' "z"`, raw`"echo 'x"'!y'"' \"z\""`],
    ["it's $x", `"it's "'$x'`],
    [raw`a\b`, raw`"a\\b"`],
    ["x=1", "'x=1'"],
    ["a/b.c", "a/b.c"],
    ["a+b-c:d@e]f_g", "a+b-c:d@e]f_g"],
    ["a,b", "'a,b'"],
    ["a%b", "'a%b'"],
    ["true\ntrue", "'true\ntrue'"],
    ["echo 'a\\b' \"c$d`e`\"", "\"echo 'a\\\\b' \\\"c\"'$d`e`\"'"],
    ["'", `"'"`],
    ["!", "'!'"],
    ["echo ^x", "'echo ''^x'"],
    ["échø", "'échø'"],
    [raw`printf "out\n"; exit 3`, raw`"printf \"out\\n\"; exit 3"`],
  ])("%j", (word, line) => {
    expect(quoteArguments(["/bin/bash", "-lc", word])).toBe(`/bin/bash -lc ${line}`);
  });

  test("and a shell reads the same words back", () => {
    const text = fc.string({
      unit: fc.constantFrom(...Array.from("ab '\"\\$`!^~*?é€😀\n;&|#=%{}")),
    });
    const words = fc.sample(fc.array(text, { minLength: 1, maxLength: 4 }), {
      numRuns: 300,
      seed: 7,
    });
    const script = words.map((list) => `printf '%s\\0' ${quoteArguments(list)}`).join("\n");
    const read = execFileSync("/bin/sh", ["-s"], { input: script, encoding: "utf8" });
    expect(read.split("\0").slice(0, -1)).toEqual(words.flat());
  });
});

function reads(command: string, path: string): object {
  return { type: "read", command, name: path.slice(path.lastIndexOf("/") + 1), path };
}

describe("what a command will do", () => {
  test.each([
    ["cat f.txt", [reads("cat f.txt", "/ws/f.txt")]],
    ["cat 'f.txt'", [reads("cat f.txt", "/ws/f.txt")]],
    ["cat -n d/../f.txt", [reads("cat -n d/../f.txt", "/ws/f.txt")]],
    ["cat -- f.txt", [reads("cat -- f.txt", "/ws/f.txt")]],
    ["head -n 5 f.txt", [reads("head -n 5 f.txt", "/ws/f.txt")]],
    ["tail -n +2 f.txt", [reads("tail -n +2 f.txt", "/ws/f.txt")]],
    ["sed -n 1,5p f.txt", [reads("sed -n '1,5p' f.txt", "/ws/f.txt")]],
    ["nl -ba f.txt", [reads("nl -ba f.txt", "/ws/f.txt")]],
    ["cat /etc/hostname", [reads("cat /etc/hostname", "/etc/hostname")]],
    ["cd d && cat g.txt", [reads("cat g.txt", "/ws/d/g.txt")]],
    ["cat f.txt | head -n 5", [reads("cat f.txt", "/ws/f.txt")]],
    ["cat f.txt || true", [reads("cat f.txt", "/ws/f.txt")]],
    [
      "cat f.txt && ls",
      [reads("cat f.txt", "/ws/f.txt"), { type: "listFiles", command: "ls", path: null }],
    ],
    ["ls", [{ type: "listFiles", command: "ls", path: null }]],
    ["ls -la d", [{ type: "listFiles", command: "ls -la d", path: "d" }]],
    ["ls | wc -l", [{ type: "listFiles", command: "ls", path: null }]],
    ["find d", [{ type: "listFiles", command: "find d", path: "d" }]],
    ["rg --files d", [{ type: "listFiles", command: "rg --files d", path: "d" }]],
    ["git ls-files", [{ type: "listFiles", command: "git ls-files", path: null }]],
    [
      "rg -n 'foo bar' d",
      [{ type: "search", command: "rg -n 'foo bar' d", query: "foo bar", path: "d" }],
    ],
    ["grep -rn foo d", [{ type: "search", command: "grep -rn foo d", query: "foo", path: "d" }]],
    ["git grep foo", [{ type: "search", command: "git grep foo", query: "foo", path: null }]],
    ["find . -name x", [{ type: "search", command: "find . -name x", query: "x", path: "." }]],
  ])("%j is told", (command, actions) => {
    expect(commandActions(command, "/ws")).toEqual(actions);
  });

  test.each([
    "cat f.txt d/g.txt",
    "cat f.txt > out",
    "cat $X",
    "cat *.txt",
    "cat `ls`",
    "cat f.txt & rm x",
    "ls; pwd",
    "cat",
    "rm x",
    "find . -exec rm {} +",
    "find . -delete",
    "sed -i s/a/b/ f.txt",
    "rg --pre sh foo",
    "ls\nrm x",
    "ls |& rm",
    "ls && ",
    "X=1 cat f.txt",
    "bash -lc 'cat f.txt'",
  ])("%j is not guessed at", (command) => {
    expect(commandActions(command, "/ws")).toEqual([{ type: "unknown", command }]);
  });
});

describe("a shell command that is a patch", () => {
  const patch = "*** Begin Patch\n*** Add File: a\n+it's $x `y`\n*** End Patch";
  test.each([
    ["a quoted here-document", `apply_patch <<'EOF'\n${patch}\nEOF\n`, ".", patch],
    ["a bare here-document", `apply_patch <<EOF\n${patch}\nEOF`, ".", patch],
    ["double quotes and a blank", `apply_patch << "END"\n${patch}\nEND\n`, ".", patch],
    ["the other spelling", `applypatch <<'EOF'\n${patch}\nEOF`, ".", patch],
    ["another folder", `cd 'my dir' && apply_patch <<'EOF'\n${patch}\nEOF`, "my dir", patch],
    [
      "an argument",
      "apply_patch '*** Begin Patch\n*** Delete File: a\n*** End Patch'",
      ".",
      "*** Begin Patch\n*** Delete File: a\n*** End Patch",
    ],
  ])("%s is recognised", (_, command, folder, text) => {
    expect(patchInvocation(command)).toEqual({ folder, text });
  });

  test.each([
    ["more after it", `apply_patch <<'EOF'\n${patch}\nEOF\nrm x`],
    ["something before it", `echo a; apply_patch <<'EOF'\n${patch}\nEOF`],
    ["no end", `apply_patch <<'EOF'\n${patch}`],
    ["an expansion", 'apply_patch "*** Begin Patch $x"'],
    ["another argument", "apply_patch --help"],
    ["a name that only begins like it", "apply_patches '*** Begin Patch'"],
    ["a folder that is not plain", `cd $X && apply_patch <<'EOF'\n${patch}\nEOF`],
  ])("with %s goes to the shell", (_, command) => {
    expect(patchInvocation(command)).toBeUndefined();
  });
});
