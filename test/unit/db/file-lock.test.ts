import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { holdFile } from "../../../src/db/file-lock.ts";

const folder = mkdtempSync(join(tmpdir(), "farhelm-lock-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Another process that holds the file until it is killed. */
async function holder(file: string): Promise<{ kill(): Promise<void> }> {
  const code = `
    const Libsql = require("libsql");
    const db = new Libsql(${JSON.stringify(file)});
    db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT");
    process.stdout.write("held");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return {
    async kill() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

describe("a file held for one process", () => {
  test("is refused to a second process and free again once the first was killed", async () => {
    const file = join(folder, "host.lock");
    const other = await holder(file);
    expect(holdFile(file)).toBeUndefined();
    await other.kill();
    const lock = holdFile(file);
    expect(lock).toBeDefined();
    lock?.release();
  });

  test("that cannot be made is an error with a next step", () => {
    const file = join(folder, "missing", "host.lock");
    expect(() => holdFile(file)).toThrow(
      /cannot be used .*choose another folder with FARHELM_HOME/,
    );
  });
});
