/** Threads that live as long as this process: ephemeral ones, and hosts without a disk. */
import { ThreadId } from "../protocol/ids.ts";
import type { TurnId } from "../protocol/ids.ts";
import { coveredKinds, sourceKindOf, spawnOf } from "../protocol/session-source.ts";
import type { GitInfo } from "../protocol/thread.ts";
import { decodeCursor, pageCursors } from "./page-cursor.ts";
import { MemoryNotes } from "./memory-notes.ts";
import { noPaths } from "./port.ts";
import type {
  ForkCut,
  History,
  IndexProgress,
  SearchPage,
  SearchQuery,
  ThreadMeta,
  ThreadPage,
  ThreadQuery,
  ThreadRecord,
  ThreadStore,
  ThreadWriter,
} from "./port.ts";
import { RolloutDecoder } from "./rollout/decode.ts";
import { encodeEvents, encodeHead, freshState } from "./rollout/encode.ts";
import type { EncoderState } from "./rollout/encode.ts";
import { ForkScan } from "./rollout/fork-point.ts";
import { interruption } from "./rollout/interruption.ts";
import { searchByReading } from "./search-snippet.ts";
import { openAlready, threadNotFound } from "./thread-failures.ts";
import { forkedMeta, forkedRecord, freshRecord, noted } from "./thread-record.ts";

interface Kept {
  record: ThreadRecord;
  /** In the file's form, so that both stores remember the same. */
  readonly lines: string[];
  state: EncoderState;
  open: boolean;
}

export const createMemoryStore = (options: { readonly nowMs?: () => number } = {}): ThreadStore =>
  new MemoryStore(options.nowMs ?? Date.now);

class MemoryStore implements ThreadStore {
  readonly #threads = new Map<ThreadId, Kept>();
  readonly notes = new MemoryNotes({
    mustHave: (id) => void this.#begun(id),
    isArchived: (id) => this.#threads.get(id)?.record.archived ?? false,
  });
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  create(meta: ThreadMeta): ThreadWriter {
    const record = freshRecord(meta);
    const kept: Kept = { record, lines: [], state: freshState(meta.id, "paginated"), open: true };
    this.#threads.set(meta.id, kept);
    return this.#writer(kept);
  }

  async fork(source: ThreadId, meta: ThreadMeta, cut: ForkCut = {}): Promise<ThreadWriter> {
    const from = this.#begun(source);
    const scan = new ForkScan();
    scan.add(source, from.lines);
    const point = scan.finish(cut, from.open);
    const { end, openTurn } = point;
    const own = forkedMeta(meta, from.record);
    const nowMs = this.#nowMs();
    const head = encodeHead(freshState(meta.id, "paginated"), own, nowMs);
    const kept: Kept = {
      record: forkedRecord(own, point),
      lines: [...head.lines, ...from.lines.slice(0, end?.line ?? 0)],
      state: { ...head.state, nextOrdinal: (end?.ordinal ?? 0) + 1 },
      open: true,
    };
    this.#threads.set(meta.id, kept);
    const writer = this.#writer(kept);
    if (openTurn !== undefined) await writer.append(interruption(openTurn, nowMs));
    return writer;
  }

  pathOf(): null {
    return null;
  }

  async threadAt(path: string): Promise<ThreadId> {
    throw noPaths(path);
  }

  async open(id: ThreadId): Promise<ThreadWriter> {
    const kept = this.#begun(id);
    if (kept.open) throw openAlready(id);
    kept.open = true;
    return this.#writer(kept);
  }

  async find(id: ThreadId): Promise<ThreadRecord | undefined> {
    const kept = this.#threads.get(id);
    return kept && kept.lines.length > 0 ? listedRecord(kept) : undefined;
  }

  async load(id: ThreadId): Promise<History> {
    const kept = this.#begun(id);
    const decoder = new RolloutDecoder();
    for (const line of kept.lines) decoder.add(line);
    const { meta: _, ...history } = decoder.finish();
    return { ...history, record: kept.record };
  }

  async list(query: ThreadQuery): Promise<ThreadPage> {
    const { sortKey, noted: wanted } = query;
    const timeOf = (record: ThreadRecord): number =>
      sortKey === "note_position"
        ? (this.notes.positionOf(record.id, wanted?.kind ?? "", wanted?.label ?? "") ?? 0)
        : record[sortMembers[sortKey]];
    const isNoted = (record: ThreadRecord): boolean =>
      wanted === undefined ||
      (wanted.label === null
        ? !this.notes.has(record.id, wanted.kind)
        : this.notes.positionOf(record.id, wanted.kind, wanted.label) !== undefined);
    const sign = query.sortDirection === "asc" ? 1 : -1;
    const compare = (a: Place, b: Place): number =>
      sign * (a.timeMs - b.timeMs || (a.id < b.id ? -1 : Number(a.id > b.id)));
    const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
    const rows = [...this.#threads.values()]
      .filter((kept) => kept.lines.length > 0)
      .map(listedRecord)
      .filter((record) => matches(record, query) && isNoted(record))
      .filter((record) => this.#isRelated(record, query))
      .map((record) => ({ record, timeMs: timeOf(record), id: record.id }))
      .filter((row) => {
        if (after === undefined) return true;
        const { timeMs, id } = after;
        return id === undefined
          ? sign * (row.timeMs - timeMs) > 0
          : compare(row, { timeMs, id }) > 0;
      })
      .toSorted(compare)
      .slice(0, query.limit + 1);
    const sorted = rows.map(({ id, timeMs }) => ({ id, sortedByMs: timeMs }));
    return {
      data: rows.slice(0, query.limit).map(({ record }) => record),
      ...pageCursors(sorted, query),
    };
  }

  /** Whether the thread was begun by the one that is named, or by one that it began. */
  #isRelated({ source }: ThreadRecord, { parentId, ancestorId }: ThreadQuery): boolean {
    const wanted = parentId ?? ancestorId;
    if (wanted === undefined) return true;
    const seen = new Set<string>();
    for (let parent = spawnOf(source)?.parentId; parent && !seen.has(parent);) {
      if (parent === wanted) return true;
      if (parentId !== undefined) return false;
      seen.add(parent);
      const kept = this.#threads.get(ThreadId.parse(parent));
      parent = kept && spawnOf(kept.record.source)?.parentId;
    }
    return false;
  }

  search(query: SearchQuery): Promise<SearchPage> {
    return searchByReading(this, query);
  }

  async rename(id: ThreadId, name: string): Promise<void> {
    const kept = this.#threads.get(id) ?? this.#begun(id);
    kept.record = { ...kept.record, name };
  }

  async setArchived(id: ThreadId, archived: boolean): Promise<ThreadRecord> {
    const kept = this.#begun(id);
    kept.record = { ...kept.record, archived };
    return listedRecord(kept);
  }

  async setGitInfo(id: ThreadId, gitInfo: GitInfo | null): Promise<ThreadRecord> {
    const kept = this.#threads.get(id) ?? this.#begun(id);
    kept.record = { ...kept.record, gitInfo };
    return listedRecord(kept);
  }

  async revert(id: ThreadId, beforeTurnId: TurnId): Promise<ThreadRecord> {
    const kept = this.#begun(id);
    if (kept.open) throw openAlready(id);
    const scan = new ForkScan();
    scan.add(id, kept.lines);
    const { end, preview } = scan.finish({ beforeTurnId }, false);
    // The first line says what the thread is.
    kept.lines.length = end?.line ?? 1;
    kept.state = { ...kept.state, nextOrdinal: end?.ordinal ?? 1, settings: null, error: null };
    kept.record = {
      ...kept.record,
      preview: preview || kept.record.preview,
      updatedAtMs: this.#nowMs(),
    };
    return listedRecord(kept);
  }

  async delete(id: ThreadId): Promise<void> {
    this.#begun(id).open = false;
    this.#threads.delete(id);
    this.notes.removeAll(id);
  }

  progress(): IndexProgress {
    return { state: "done", indexed: this.#threads.size, total: this.#threads.size };
  }

  async close(): Promise<void> {
    this.#threads.clear();
  }

  #begun(id: ThreadId): Kept {
    const kept = this.#threads.get(id);
    if (kept === undefined || kept.lines.length === 0) {
      throw threadNotFound(id);
    }
    return kept;
  }

  #writer(kept: Kept): ThreadWriter {
    return {
      append: async (events) => {
        if (!kept.open) throw new Error("the thread was given up already");
        const nowMs = this.#nowMs();
        const head =
          kept.lines.length === 0 ? encodeHead(kept.state, kept.record, nowMs) : undefined;
        const body = encodeEvents(head?.state ?? kept.state, events, nowMs);
        kept.lines.push(...(head?.lines ?? []), ...body.lines);
        kept.state = body.state;
        kept.record = events.reduce<ThreadRecord>(noted, { ...kept.record, updatedAtMs: nowMs });
      },
      close: async () => {
        kept.open = false;
      },
    };
  }
}

interface Place {
  readonly timeMs: number;
  readonly id: string;
}

const sortMembers = {
  created_at: "createdAtMs",
  updated_at: "updatedAtMs",
  recency_at: "recencyAtMs",
} as const;

/** Lists do not carry the instructions, in either store. */
const listedRecord = ({ record }: Kept): ThreadRecord => ({ ...record, baseInstructions: null });

const among = (allowed: readonly string[] | undefined, value: string): boolean =>
  allowed === undefined || allowed.includes(value);

function matches(record: ThreadRecord, query: ThreadQuery): boolean {
  const { searchTerm: term } = query;
  return (
    record.archived === query.archived &&
    (record.preview !== "" || record.name !== null) &&
    among(query.cwds, record.cwd) &&
    among(query.modelProviders, record.modelProvider) &&
    among(query.sources && coveredKinds(query.sources), sourceKindOf(record.source)) &&
    query.excludedIds?.includes(record.id) !== true &&
    (term === undefined || record.preview.includes(term) || (record.name?.includes(term) ?? false))
  );
}
