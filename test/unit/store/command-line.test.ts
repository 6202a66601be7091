import { array, assert, property, string } from "fast-check";
import { expect, test } from "vitest";
import { joinCommand, splitCommand } from "../../../src/store/rollout/command-line.ts";

/** Lines as the stock server shows the same words. */
test.each([
  [["/bin/bash", "-lc", "echo 'hi' \"$HOME\""], `/bin/bash -lc "echo 'hi' \\""'$HOME"'`],
  [["/bin/bash", "-lc", "echo a\\\\b"], '/bin/bash -lc "echo a\\\\\\\\b"'],
  [["/bin/bash", "-lc", "echo it's"], `/bin/bash -lc "echo it's"`],
  [["/bin/bash", "-lc", 'x=1,y^2 echo "!"'], `/bin/bash -lc 'x=1,y''^2 echo "!"'`],
  [["/bin/bash", "-lc", "echo 'a' `b` ^ ! %"], "/bin/bash -lc \"echo 'a' \"'`b` ''^ ! %'"],
  [["/bin/bash", "-lc", "echo é"], "/bin/bash -lc 'echo é'"],
  [["a", ""], "a ''"],
])("%j is shown as %s", (words, line) => {
  expect(joinCommand(words)).toBe(line);
  expect(splitCommand(line)).toEqual(words);
});

test("words survive being a line", () => {
  assert(
    property(array(string()), (words) => {
      expect(splitCommand(joinCommand(words))).toEqual(words);
    }),
  );
});

test("a line whose quotes do not close has no words", () => {
  expect(splitCommand("echo 'a")).toBeUndefined();
  expect(splitCommand('echo "a')).toBeUndefined();
  expect(splitCommand("echo a\\")).toBeUndefined();
});
