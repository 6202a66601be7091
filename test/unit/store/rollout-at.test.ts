import { copyFile, rename, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import type { ThreadStore } from "../../../src/store/port.ts";
import { StoreError } from "../../../src/store/port.ts";
import { uuidV7 } from "../../../src/util/uuid-v7.ts";
import { threadIn } from "../../contract/thread-events.ts";
import { LocalHome, stored } from "./local-home.ts";

const home = new LocalHome();

/** Kind and sentence of the refusal. */
async function refused(store: ThreadStore, path: string): Promise<readonly [string, string]> {
  try {
    return ["none", await store.threadAt(path)];
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return [error.kind, error.message.replaceAll(home.folder, "HOME")];
  }
}

describe("a thread is found by the path of its rollout", () => {
  test("as it is, from the home on, and by way of other folders and links inside", async () => {
    const store = home.open();
    const { id, path } = await stored(store, "one");
    const link = join(dirname(path), "link.jsonl");
    await symlink(path, link);
    for (const named of [
      path,
      relative(home.folder, path),
      join(dirname(path), "..", basename(dirname(path)), basename(path)),
      link,
    ]) {
      expect(await store.threadAt(named)).toBe(id);
    }
  });

  test("also where the home or its sessions are links, and after it was archived", async () => {
    const store = home.open();
    const { id, path } = await stored(store, "one");
    const elsewhere = join(home.folder, "moved");
    await rename(join(home.folder, "sessions"), elsewhere);
    await symlink(elsewhere, join(home.folder, "sessions"));
    expect(await store.threadAt(path)).toBe(id);
    expect(await store.threadAt(path.replace(join(home.folder, "sessions"), elsewhere))).toBe(id);
    await rename(elsewhere, `${elsewhere}-again`);
    await symlink(`${elsewhere}-again`, elsewhere);
    expect(await store.threadAt(path)).toBe(id);
    const { path: archived } = await store.setArchived(id, true);
    expect(await store.threadAt(archived ?? "")).toBe(id);
  });

  test("not where there is none", async () => {
    const store = home.open();
    await stored(store, "one");
    expect(await refused(store, "sessions/none.jsonl")).toEqual([
      "badPath",
      "failed to resolve rollout path `HOME/sessions/none.jsonl`: file does not exist",
    ]);
    expect(await refused(store, "sessions/2026")).toEqual([
      "badPath",
      "failed to resolve rollout path `HOME/sessions/2026`: path is a directory",
    ]);
    expect(await refused(store, "sessions/a\u0000b.jsonl")).toEqual([
      "badPath",
      "failed to resolve rollout path `HOME/sessions/a\u0000b.jsonl`: file does not exist",
    ]);
  });

  test("not outside of the sessions folders, and nobody learns what is there", async () => {
    const store = home.open();
    const { path } = await stored(store, "one");
    const outside = join(home.folder, basename(path));
    await copyFile(path, outside);
    const link = join(dirname(path), `rollout-2026-01-01T00-00-00-${uuidV7()}.jsonl`);
    await symlink(outside, link);
    for (const named of [
      outside,
      "/etc/passwd",
      "/nowhere/at/all",
      "sessions/../config.toml",
      join(home.folder, "sessions-of-others", basename(path)),
      join(home.folder, "sessions"),
      link,
    ]) {
      const shown = resolve(home.folder, named);
      expect(await refused(store, named)).toEqual([
        "badPath",
        `rollout path \`${shown.replace(home.folder, "HOME")}\` must be in Codex home directory`,
      ]);
    }
  });

  test("not where the file is no rollout, is not named as one, or was left behind", async () => {
    const store = home.open();
    const { id, path } = await stored(store, "one");
    const folder = dirname(path);
    const junk = join(folder, `rollout-2026-01-01T00-00-00-${uuidV7()}.jsonl`);
    await writeFile(junk, "junk\n");
    const shown = junk.replace(home.folder, "HOME");
    expect(await refused(store, junk)).toEqual([
      "corrupt",
      `failed to read thread: thread-store internal error: failed to read session metadata ${shown}: rollout at ${shown} is empty`,
    ]);
    await copyFile(path, join(folder, "copy.jsonl"));
    expect((await refused(store, join(folder, "copy.jsonl")))[1]).toContain("is not named as");
    const { id: reverted, turnIds } = await threadIn(store, {}, "one", "two");
    const before = (await store.find(reverted))?.path ?? "";
    if (turnIds[1] === undefined) throw new Error("two turns were written");
    await store.revert(reverted, turnIds[1]);
    const after = (await store.find(reverted))?.path ?? "";
    expect(after).not.toBe(before);
    expect(await store.threadAt(after)).toBe(reverted);
    expect((await refused(store, before))[1]).toContain(
      `not the one of thread ${reverted} any more`,
    );
    expect(await store.threadAt(path)).toBe(id);
  });
});
