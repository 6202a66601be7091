/** A CODEX_HOME of its own for every test of a file, and the stores that were opened in it. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { openDatabase } from "../../../src/db/database.ts";
import type { Database } from "../../../src/db/database.ts";
import type { ThreadId } from "../../../src/protocol/ids.ts";
import { createLocalStore } from "../../../src/store/local/local-store.ts";
import type { ThreadMeta, ThreadQuery, ThreadStore } from "../../../src/store/port.ts";
import { metaOf, turnOf } from "../../contract/thread-events.ts";

const silent = { warn: () => undefined, error: () => undefined };

export const all: ThreadQuery = {
  archived: false,
  sortKey: "updated_at",
  sortDirection: "desc",
  limit: 100,
};

export const linesOf = async (path: string): Promise<string[]> =>
  (await readFile(path, "utf8")).trimEnd().split("\n");

export class LocalHome {
  folder = "";
  database: Database = openDatabase(":memory:");
  readonly #stores: ThreadStore[] = [];

  constructor() {
    beforeEach(async () => {
      this.folder = await mkdtemp(join(tmpdir(), "farhelm-store-"));
      this.database = openDatabase(":memory:");
    });
    afterEach(async () => {
      for (const store of this.#stores.splice(0)) await store.close();
      this.database.close();
      await rm(this.folder, { recursive: true, force: true });
    });
  }

  open(): ThreadStore {
    const { folder: codexHome, database } = this;
    const store = createLocalStore({ codexHome, database, log: silent });
    this.#stores.push(store);
    return store;
  }
}

/** A thread with one turn, closed. */
export async function stored(
  store: ThreadStore,
  text: string,
  more: Partial<ThreadMeta> = {},
): Promise<{ id: ThreadId; path: string }> {
  const meta = metaOf(more);
  const writer = store.create(meta);
  await writer.append(turnOf(text));
  await writer.close();
  return { id: meta.id, path: store.pathOf(meta) ?? "" };
}
