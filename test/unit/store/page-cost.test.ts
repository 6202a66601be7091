import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "../../../src/db/database.ts";
import type { Database } from "../../../src/db/database.ts";
import { ThreadId } from "../../../src/protocol/ids.ts";
import { sourceKindOf } from "../../../src/protocol/session-source.ts";
import { NoteTable } from "../../../src/store/local/note-table.ts";
import { ThreadIndex } from "../../../src/store/local/thread-index.ts";
import type { IndexEntry } from "../../../src/store/local/thread-index.ts";
import type { ThreadPage, ThreadQuery } from "../../../src/store/port.ts";
import { freshRecord } from "../../../src/store/thread-record.ts";
import { metaOf } from "../../contract/thread-events.ts";

const few = 500;
const many = 50_000;
const providers = ["openai", "mock", "rare"];
const sources = ["cli", "vscode", "exec"];

const idOf = (index: number): ThreadId =>
  ThreadId.parse(`01a20248-1219-7f21-8eb0-${String(index).padStart(12, "0")}`);

/** One in 250 is of a rare provider, one in 100 archived; four share each millisecond. */
function entryOf(index: number): IndexEntry {
  const source = sources[index % sources.length] ?? "cli";
  const modelProvider = providers[index % 250 === 0 ? 2 : index % 2] ?? "openai";
  const cwd = `/srv/${index % 37}`;
  const createdAtMs = 1_700_000_000_000 + Math.floor(index / 4);
  const meta = metaOf({ id: idOf(index), createdAtMs, cwd, modelProvider, source });
  const record = {
    ...freshRecord(meta),
    updatedAtMs: createdAtMs + ((index * 7919) % 100_000),
    recencyAtMs: createdAtMs + ((index * 104_729) % 100_000),
    // Nothing was said yet in a fifth of them: no list shows those.
    preview: index % 5 === 4 ? "" : `question ${index}`,
    archived: index % 100 === 3,
    path: `/sessions/rollout-${index}.jsonl`,
  };
  return { record, mtimeMs: createdAtMs, size: 1000 };
}

/** An index of its own that tells which statements ran. */
class Measured {
  readonly entries: readonly IndexEntry[];
  readonly index: ThreadIndex;
  readonly #database = openDatabase(":memory:");
  #ran: string[] = [];

  constructor(threads: number) {
    const told: Database = {
      ...this.#database,
      prepare: (sql) => {
        const statement = this.#database.prepare(sql);
        const tell = <R>(result: R): R => {
          this.#ran.push(sql);
          return result;
        };
        return {
          run: (...values) => tell(statement.run(...values)),
          get: (...values) => tell(statement.get(...values)),
          all: (...values) => tell(statement.all(...values)),
        };
      },
    };
    void new NoteTable(this.#database);
    this.index = new ThreadIndex(told);
    this.entries = Array.from({ length: threads }, (_, index) => entryOf(index));
    for (let at = 0; at < threads; at += 1000) this.index.put(this.entries.slice(at, at + 1000));
  }

  /** How SQLite finds the rows of what is asked meanwhile. */
  plansOf(work: () => void): readonly string[] {
    this.#ran = [];
    work();
    return [...new Set(this.#ran)].flatMap((sql) =>
      this.#database
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map((row) => String(row["detail"])),
    );
  }

  close(): void {
    this.#database.close();
  }
}

const members = {
  created_at: "createdAtMs",
  updated_at: "updatedAtMs",
  recency_at: "recencyAtMs",
} as const;
const sortKeys = ["created_at", "updated_at", "recency_at"] as const;
const directions = ["asc", "desc"] as const;
const order = sortKeys.flatMap((sortKey) =>
  directions.map((sortDirection) => ({ sortKey, sortDirection, limit: 50 })),
);
const excludedIds = Array.from({ length: 100 }, (_, index) => idOf(index));
const filters: readonly Partial<ThreadQuery>[] = [
  {},
  { archived: true },
  { modelProviders: ["mock"] },
  { modelProviders: ["rare"] },
  { modelProviders: ["mock", "rare", "unheard"] },
  { sources: ["cli"] },
  { sources: ["cli", "vscode"], modelProviders: ["openai"] },
  { cwds: ["/srv/7"] },
  { cwds: ["/srv/7", "/srv/8", "/nowhere"], modelProviders: ["rare"], sources: ["exec"] },
  { cwds: ["/srv/3"], modelProviders: ["mock"], sources: ["cli", "vscode"] },
  { excludedIds, modelProviders: ["mock"] },
  { noted: { kind: "section", label: null } },
];
const queriesByFilter = filters.map((filter): [string, readonly ThreadQuery[]] => {
  const { excludedIds: excluded, ...shown } = filter;
  const name = JSON.stringify({ ...shown, ...(excluded ? { excluded: excluded.length } : {}) });
  return [name, order.map((sorted) => ({ archived: false, ...filter, ...sorted }))];
});

/** The first page, the next, one from the middle of all, and the way back from there. */
function pagesOf({ index, entries }: Measured, query: ThreadQuery): readonly ThreadPage[] {
  const first = index.page(query);
  const next = first.nextCursor ? [index.page({ ...query, cursor: first.nextCursor })] : [];
  const { record } = entries[Math.floor(entries.length / 2)] ?? entryOf(0);
  const cursor = `${new Date(record[members[column(query)]]).toISOString()}|${record.id}`;
  const deep = index.page({ ...query, cursor });
  const { backwardsCursor } = deep;
  const sortDirection = query.sortDirection === "asc" ? "desc" : "asc";
  const back = backwardsCursor
    ? [index.page({ ...query, sortDirection, cursor: backwardsCursor })]
    : [];
  return [first, ...next, deep, ...back];
}

const column = ({ sortKey }: ThreadQuery): keyof typeof members =>
  sortKeys.find((key) => key === sortKey) ?? "created_at";

/** What the page should hold, by looking at every thread. */
function wanted({ entries }: Measured, query: ThreadQuery): readonly string[] {
  const member = members[column(query)];
  const sign = query.sortDirection === "asc" ? 1 : -1;
  return entries
    .map(({ record }) => record)
    .filter(
      ({ archived, preview, cwd, modelProvider, source, id }) =>
        archived === query.archived &&
        preview !== "" &&
        query.cwds?.includes(cwd) !== false &&
        query.modelProviders?.includes(modelProvider) !== false &&
        query.sources?.includes(sourceKindOf(source)) !== false &&
        query.excludedIds?.includes(id) !== true,
    )
    .toSorted((a, b) => sign * (a[member] - b[member] || (a.id < b.id ? -1 : 1)))
    .slice(0, query.limit)
    .map(({ id }) => id);
}

const idsOf = ({ data }: ThreadPage): readonly string[] => data.map(({ id }) => id);

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const costOf = (measured: Measured, query: ThreadQuery): number =>
  Math.min(...[1, 2, 3].map(() => cpuMs(() => pagesOf(measured, query))));

const rowsOf = (measured: Measured, query: ThreadQuery): number =>
  pagesOf(measured, query).reduce((sum, { data }) => sum + data.length, 0);

/** A step from one kind of threads to the next. */
const ofKinds =
  /^SEARCH store_threads USING INDEX store_threads_kind_\w+ \(archived=\? AND (?:provider=\? AND source_kind>\?|provider>\?)\)$/;

describe("a page of threads", () => {
  let small: Measured;
  let big: Measured;

  beforeAll(() => {
    small = new Measured(few);
    big = new Measured(many);
  }, 240_000);
  afterAll(() => {
    small.close();
    big.close();
  });

  const inOrder =
    /^(?:MERGE \(UNION ALL\)|LEFT|RIGHT|LIST SUBQUERY \d+|SCAN json_each VIRTUAL TABLE INDEX \d+:|CORRELATED SCALAR SUBQUERY \d+|SEARCH store_notes USING PRIMARY KEY \(thread_id=\? AND kind=\?\)|SEARCH store_threads USING INDEX store_threads_(?:kind|folder)_(?:created|updated|recency) \(archived=\?(?: AND cwd=\?)? AND provider=\? AND source_kind=\?(?: AND (?:\w+_at[<>]\?|\(\w+_at,id\)[<>]\(\?,\?\)))?\))$/;

  test.each(queriesByFilter)("reads its own rows alone, in order: %s", (_name, ofFilter) => {
    const plans = big.plansOf(() => ofFilter.forEach((query) => pagesOf(big, query)));
    expect(plans).toContainEqual(expect.stringContaining("SEARCH store_threads"));
    expect(plans.filter((plan) => !inOrder.test(plan) && !ofKinds.test(plan))).toEqual([]);
  });

  test.each(queriesByFilter)("leads through all of them once, both ways: %s", (_name, ofFilter) => {
    for (const query of ofFilter) {
      const all = wanted(small, { ...query, limit: many });
      const seen: string[] = [];
      let page: ThreadPage = small.index.page(query);
      seen.push(...idsOf(page));
      while (page.nextCursor !== null) {
        page = small.index.page({ ...query, cursor: page.nextCursor });
        seen.push(...idsOf(page));
      }
      expect(seen).toEqual(all);
    }
  });

  test("costs as much CPU among 50,000 threads as among 500, within wide bounds", () => {
    const queries = queriesByFilter.flatMap(([, ofFilter]) => ofFilter);
    const dearer = queries.filter((query) => {
      // Pages that are fuller among more threads may cost more by that.
      const fuller = (rowsOf(big, query) + 50) / (rowsOf(small, query) + 50);
      return costOf(big, query) > 8 * fuller * costOf(small, query) + 5;
    });
    expect(dearer).toEqual([]);
  });

  test("of a section, of a thread's children or of all below it starts from those", () => {
    const plans = big.plansOf(() => {
      const query = { archived: false, sortDirection: "desc", limit: 50 } as const;
      big.index.page({ ...query, sortKey: "created_at", noted: { kind: "section", label: "a" } });
      big.index.page({ ...query, sortKey: "created_at", parentId: idOf(1) });
      big.index.page({ ...query, sortKey: "created_at", ancestorId: idOf(1) });
    });
    expect(plans.filter((plan) => /^SCAN (?!below|json_each)/.test(plan))).toEqual([]);
  });

  test("of many folders at a time is found without going through all threads", () => {
    const cwds = Array.from({ length: 300 }, (_, index) => `/srv/${index * 3}`);
    const query = {
      archived: false,
      cwds,
      sortKey: "created_at",
      sortDirection: "desc",
      limit: 50,
    } as const;
    expect(idsOf(small.index.page(query))).toEqual(wanted(small, query));
    const plans = big.plansOf(() => big.index.page(query));
    expect(plans.filter((plan) => plan.startsWith("SCAN store_threads"))).toEqual([]);
  });

  test("shows a thread that was named, though nothing was said in it, and one of a new provider", () => {
    const query = {
      archived: false,
      sortKey: "created_at",
      sortDirection: "desc",
      limit: 1,
    } as const;
    const silent = entryOf(few + 4);
    const modelProvider = "young";
    const record = { ...silent.record, preview: "", modelProvider, createdAtMs: Date.now() };
    small.index.put([{ ...silent, record }]);
    expect(idsOf(small.index.page({ ...query, modelProviders: [modelProvider] }))).toEqual([]);
    small.index.setName(record.id, "named");
    expect(idsOf(small.index.page({ ...query, modelProviders: [modelProvider] }))).toEqual([
      record.id,
    ]);
    small.index.remove(record.id, record.path);
  });

  test("the files that every list looks at are found without going through all", () => {
    const plans = big.plansOf(() => {
      big.index.latestFiles(64);
      big.index.filesOf(excludedIds);
    });
    expect(plans.filter((plan) => /^SCAN (?!json_each)|TEMP B-TREE/.test(plan))).toEqual([
      expect.stringMatching(/^SCAN store_threads USING INDEX store_threads_latest$/),
    ]);
    const written = small.entries
      .filter(({ record }) => !record.archived)
      .toSorted(
        ({ record: one }, { record: other }) =>
          other.updatedAtMs - one.updatedAtMs || (one.id < other.id ? 1 : -1),
      );
    expect(small.index.latestFiles(64).map(({ id }) => id)).toEqual(
      written.slice(0, 64).map(({ record }) => record.id),
    );
  });

  test("the forks of a thread are found without going through all", () => {
    const plans = big.plansOf(() => big.index.forksOf(idOf(1)));
    expect(plans.filter((plan) => plan.startsWith("SCAN"))).toEqual([]);
  });
});
