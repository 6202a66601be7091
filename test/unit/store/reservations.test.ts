import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../../src/db/database.ts";
import { openDatabase } from "../../../src/db/database.ts";
import { ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import { createLocalStore } from "../../../src/store/local/local-store.ts";
import { Reservations } from "../../../src/store/local/reservations.ts";
import type { ThreadMeta, ThreadStore } from "../../../src/store/port.ts";
import { turnOf } from "../../contract/thread-events.ts";
import { uuidV7 } from "../../../src/util/uuid-v7.ts";

let home: string;
let database: Database;
let store: ThreadStore;
let nowMs = Date.now();

const open = (): ThreadStore =>
  createLocalStore({
    codexHome: home,
    database,
    log: { warn: () => {}, error: () => {} },
    nowMs: () => nowMs,
  });
const restart = async (): Promise<void> => {
  await store.close();
  store = open();
};
const newMeta = (): ThreadMeta => {
  const id = ThreadId.parse(uuidV7());
  return {
    id,
    sessionId: id,
    forkedFromId: null,
    createdAtMs: nowMs,
    cwd: "/project",
    originator: "test",
    cliVersion: "0.169.0",
    source: "vscode",
    threadSource: null,
    modelProvider: "mock",
    baseInstructions: "be kind",
    historyMode: "paginated",
    gitInfo: null,
  };
};

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "farhelm-reservations-"));
  database = openDatabase(":memory:");
  nowMs = Date.now();
  store = open();
});
afterEach(async () => {
  await store.close();
  database.close();
  rmSync(home, { recursive: true, force: true });
});

describe("a thread that was started and in which nothing was said", () => {
  it("is there after a restart with its name, unlisted, and can be gone on with", async () => {
    const meta = newMeta();
    store.create(meta);
    await store.rename(meta.id, "Early");
    await restart();
    expect(await store.find(meta.id)).toMatchObject({ id: meta.id, name: "Early", preview: "" });
    expect(await store.load(meta.id)).toMatchObject({
      record: { id: meta.id, cwd: "/project", baseInstructions: "be kind" },
      turns: [],
      modelItems: [],
    });
    const query = {
      archived: false,
      sortKey: "created_at",
      sortDirection: "desc",
      limit: 9,
    } as const;
    expect((await store.list(query)).data).toEqual([]);
    expect(readdirSync(home)).not.toContain("sessions");
    const writer = await store.open(meta.id);
    expect(await store.load(meta.id)).toMatchObject({ turns: [], record: { name: "Early" } });
    await writer.append([
      { kind: "turnStarted", turnId: TurnId.parse(uuidV7()), startedAtMs: nowMs },
    ]);
    await restart();
    const history = await store.load(meta.id);
    expect([history.turns.length, history.record.name]).toEqual([1, "Early"]);
  });

  it("is forgotten when it is deleted, archived, or old", async () => {
    const [deleted, archived, old] = [newMeta(), newMeta(), newMeta()];
    for (const meta of [deleted, archived, old]) store.create(meta);
    await restart();
    await store.delete(deleted.id);
    await store.setArchived(archived.id, true);
    const left = async (): Promise<boolean[]> => {
      const found = await Promise.all([deleted, archived, old].map(({ id }) => store.find(id)));
      return found.map((record) => record !== undefined);
    };
    expect(await left()).toEqual([false, false, true]);
    nowMs += 31 * 24 * 60 * 60 * 1000;
    await restart();
    expect(await left()).toEqual([false, false, false]);
  });
});

describe("a thread that was killed right after its first lines", () => {
  it("is the thread of its file, with the name it was given before, and is not begun again", async () => {
    const meta = newMeta();
    const writer = store.create(meta);
    await store.rename(meta.id, "Given early");
    await writer.append(turnOf("first"));
    await writer.close();
    // as if the process had ended between the two
    new Reservations(database, nowMs).keep(meta);
    await restart();
    await (await store.open(meta.id)).append(turnOf("second"));
    const found = await store.find(meta.id);
    expect(found).toMatchObject({ name: "Given early" });
    const lines = readFileSync(found?.path ?? "", "utf8").split("\n");
    expect(lines.filter((line) => line.includes('"session_meta"'))).toHaveLength(1);
    expect((await store.load(meta.id)).turns).toHaveLength(2);
  });

  it("has its name as soon as it has a file", async () => {
    const meta = newMeta();
    const writer = store.create(meta);
    await store.rename(meta.id, "Given early");
    const written = writer.append(turnOf("first"));
    await store.rename(meta.id, "Given meanwhile");
    await written;
    const other = openDatabase(":memory:");
    const second = createLocalStore({
      codexHome: home,
      database: other,
      log: { warn: () => {}, error: () => {} },
    });
    expect(await second.find(meta.id)).toMatchObject({ name: "Given meanwhile" });
    await second.close();
    other.close();
  });
});
