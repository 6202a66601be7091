import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCli } from "./fake-outside.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "farhelm-doctor-"));
});
afterEach(() => rmSync(home, { recursive: true }));

const doctor = (settings: string, databaseUrl?: string) => {
  writeFileSync(join(home, "farhelm.toml"), settings, { mode: 0o600 });
  const env = { HOME: home, FARHELM_HOME: home, PATH: process.env["PATH"] };
  return runCli(["doctor"], {
    env: databaseUrl === undefined ? env : { ...env, DATABASE_URL: databaseUrl },
  });
};

test("doctor says where threads are kept, and whether that can be reached", async () => {
  expect((await doctor("")).out).toContain("ok    store local: threads are files in CODEX_HOME\n");
  expect((await doctor('[store]\nkind = "memory"\n')).out).toContain(
    "ok    store memory: threads are kept in memory, until the host ends\n",
  );
  const postgres = '[store]\nkind = "postgres"\n';
  const none = await doctor(postgres);
  expect(none.out).toContain("FAIL  store postgres: The store postgres needs DATABASE_URL");
  expect(none.code).toBe(1);
  const { out } = await doctor(postgres, "postgres://me:hunter2@127.0.0.1:1/farhelm");
  expect(out).toContain(
    "FAIL  store postgres: Could not look at the store: the database at 127.0.0.1:1/farhelm cannot be reached (ECONNREFUSED). Start it, or set DATABASE_URL right, and try again.\n",
  );
  expect(out).not.toContain("hunter2");
});
