import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ToolBench } from "./tool-bench.ts";

let bench: ToolBench;
let id: number;
beforeEach(async () => {
  bench = new ToolBench();
  const said = await bench.exec("exec cat > typed", { tty: true, yield_time_ms: 250 });
  id = Number(/session ID (\d+)/.exec(said)?.[1]);
});
afterEach(() => bench.close());

const type = (chars: string): Promise<string> =>
  bench.call("write_stdin", { session_id: id, chars, yield_time_ms: 250 });
const asked = (): readonly object[] =>
  bench.told.flatMap((entry) => (entry.kind === "asked" ? [entry.question] : []));
const typed = (): string => readFileSync(join(bench.folder, "typed"), "utf8");

describe("typing into a command that may do more than the thread may now", () => {
  test("is not asked about while the thread may do as much", async () => {
    await type("words\n");
    await expect.poll(typed).toBe("words\n");
    expect(asked()).toEqual([]);
  });

  test("is put to a person, who sees what is typed and into what", async () => {
    bench.sandboxPolicy = { type: "readOnly", networkAccess: false };
    bench.verdict = () => Promise.resolve("declined");
    expect(await type("words\n")).toMatch(/the user did not let it be typed/);
    expect(asked()).toMatchObject([
      {
        command: ["write_stdin", String(id), "words\n"],
        commandLine: `write_stdin ${id} "words\\n"`,
        escalated: true,
        reason: "This types into a command that still runs (exec cat > typed).",
      },
    ]);
    expect(typed()).toBe("");
    bench.verdict = () => Promise.resolve("run");
    await type("words\n");
    await expect.poll(typed).toBe("words\n");
  });

  test("is refused where nobody may be asked; control-C is not", async () => {
    bench.sandboxPolicy = { type: "readOnly", networkAccess: false };
    bench.approvalPolicy = "never";
    expect(await type("words\n")).toMatch(/nobody can be asked; end it/);
    await type("\u0003");
    await bench.until(() => bench.items("completed").length === 1);
    expect([typed(), asked()]).toEqual(["", []]);
  });
});
