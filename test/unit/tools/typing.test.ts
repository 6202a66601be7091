import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ToolBench } from "./tool-bench.ts";

let bench: ToolBench;
let id: number;
beforeEach(async () => {
  bench = new ToolBench();
  const said = await bench.exec("exec sh -i", { tty: true, yield_time_ms: 250 });
  id = Number(/session ID (\d+)/.exec(said)?.[1]);
});
afterEach(() => bench.close());

const type = (chars: string): Promise<string> =>
  bench.call("write_stdin", { session_id: id, chars, yield_time_ms: 2_000 });
const asked = (): readonly object[] =>
  bench.told.flatMap((entry) => (entry.kind === "asked" ? [entry.question] : []));
const made = (): boolean => existsSync(join(bench.folder, "made"));

describe("typing into a command that may do more than the thread may now", () => {
  test("is not asked about while the thread may do as much", async () => {
    await type("touch made\n");
    await expect.poll(made).toBe(true);
    expect(asked()).toEqual([]);
  });

  test("is put to a person, who sees what is typed and into what", async () => {
    bench.sandboxPolicy = { type: "readOnly", networkAccess: false };
    bench.verdict = () => Promise.resolve("declined");
    expect(await type("touch made\n")).toMatch(/the user did not let it be typed/);
    expect(asked()).toMatchObject([
      {
        command: ["write_stdin", String(id), "touch made\n"],
        commandLine: `write_stdin ${id} "touch made\\n"`,
        escalated: true,
        reason: "This types into a command that still runs (exec sh -i).",
      },
    ]);
    expect(made()).toBe(false);
    bench.verdict = () => Promise.resolve("run");
    await type("touch made\n");
    await expect.poll(made).toBe(true);
  });

  test("is refused where nobody may be asked; looking on and control-C are not", async () => {
    bench.sandboxPolicy = { type: "readOnly", networkAccess: false };
    bench.approvalPolicy = "never";
    expect(await type("touch made\n")).toMatch(/nobody can be asked; end it/);
    expect(await bench.call("write_stdin", { session_id: id })).toMatch(/session ID/);
    expect(await type("\u0003")).toMatch(/session ID/);
    expect([made(), asked()]).toEqual([false, []]);
  });
});
