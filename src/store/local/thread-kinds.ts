/** Which providers and sources the threads of the index have together: a handful, however many threads there are. */
import type { Database, Row } from "../../db/database.ts";
import { textOf } from "../rollout/members.ts";
import { isListed } from "./thread-conditions.ts";
import type { ThreadKind } from "./thread-conditions.ts";

/** Each step goes past all threads of the kind before: no kind's threads are read. */
const nextSource = `SELECT provider, source_kind FROM store_threads
  WHERE archived = ? AND ${isListed} AND provider = ? AND source_kind > ?
  ORDER BY source_kind LIMIT 1`;
const nextProvider = `SELECT provider, source_kind FROM store_threads
  WHERE archived = ? AND ${isListed} AND provider > ? ORDER BY provider, source_kind LIMIT 1`;

export class ThreadKinds {
  readonly #database: Database;
  readonly #known = new Map<boolean, Map<string, ThreadKind>>();

  constructor(database: Database) {
    this.#database = database;
  }

  of(archived: boolean): readonly ThreadKind[] {
    const known = this.#known.get(archived) ?? this.#read(archived);
    this.#known.set(archived, known);
    return [...known.values()];
  }

  /** A thread of this kind is in the index now. */
  add(archived: boolean, kind: ThreadKind): void {
    this.#known.get(archived)?.set(keyOf(kind), kind);
  }

  /** Threads that no list showed may be shown now. */
  forget(): void {
    this.#known.clear();
  }

  #read(archived: boolean): Map<string, ThreadKind> {
    const found = new Map<string, ThreadKind>();
    const [source, provider] = [nextSource, nextProvider].map((sql) => this.#database.prepare(sql));
    const flag = archived ? 1 : 0;
    let kind: ThreadKind | undefined = { provider: "", sourceKind: "" };
    while (kind !== undefined) {
      const row: Row | undefined =
        source?.get(flag, kind.provider, kind.sourceKind) ?? provider?.get(flag, kind.provider);
      kind = row && kindOf(row);
      if (kind) found.set(keyOf(kind), kind);
    }
    return found;
  }
}

const kindOf = (row: Row): ThreadKind => ({
  provider: textOf(row["provider"]) ?? "",
  sourceKind: textOf(row["source_kind"]) ?? "",
});

const keyOf = ({ provider, sourceKind }: ThreadKind): string => `${sourceKind}\n${provider}`;
