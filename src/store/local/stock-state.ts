/**
 * What the stock server (0.169) keeps in its own SQLite file and, of a thread that it knows or a
 * `paginated` one, reads from nowhere else: the name and the repository. A row that it does not have
 * yet is made with what it needs; the rest it fills in from the rollout when it next lists its threads.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { runInForeignFile } from "../../db/foreign-file.ts";
import type { ThreadRecord } from "../port.ts";
import type { StoreLog } from "./local-store.ts";

const put = `INSERT INTO threads (id, rollout_path, created_at, updated_at, source, model_provider, cwd,
    title, sandbox_policy, approval_mode, archived, cli_version, first_user_message, preview,
    created_at_ms, updated_at_ms, recency_at, recency_at_ms, history_mode,
    name, git_sha, git_branch, git_origin_url)
  VALUES (?,?,?,?,?,?,?,?,'{"type":"read-only"}','on-request',?,?,?,?,?,?,?,?,?,?,?,?,?)
  ON CONFLICT (id) DO UPDATE SET name = excluded.name,
    title = CASE excluded.history_mode WHEN 'legacy' THEN excluded.title ELSE title END, git_sha = excluded.git_sha,
    git_branch = excluded.git_branch, git_origin_url = excluded.git_origin_url`;

const moved = "UPDATE threads SET rollout_path = ? WHERE id = ?";

const fileName = /^state_(?<version>\d+)\.sqlite$/;
const seconds = (ms: number): number => Math.floor(ms / 1000);

export class StockState {
  readonly #codexHome: string;
  readonly #log: StoreLog;

  constructor(codexHome: string, log: StoreLog) {
    this.#codexHome = codexHome;
    this.#log = log;
  }

  /** Nothing where that server has never run; it goes on without where it fails. */
  async put(record: ThreadRecord & { readonly path: string }): Promise<void> {
    if (typeof record.source !== "string") return;
    const file = await this.#file();
    if (file === undefined) return;
    // A legacy thread's name is its title there.
    const isLegacy = record.historyMode === "legacy";
    const { preview, createdAtMs, updatedAtMs, recencyAtMs, gitInfo } = record;
    try {
      runInForeignFile(file, put, [
        record.id,
        record.path,
        seconds(createdAtMs),
        seconds(updatedAtMs),
        record.source,
        record.modelProvider,
        record.cwd,
        isLegacy ? (record.name ?? preview) : preview,
        record.archived ? 1 : 0,
        record.cliVersion,
        preview,
        preview,
        createdAtMs,
        updatedAtMs,
        seconds(recencyAtMs),
        recencyAtMs,
        record.historyMode,
        isLegacy ? null : record.name,
        gitInfo?.sha ?? null,
        gitInfo?.branch ?? null,
        gitInfo?.originUrl ?? null,
      ]);
    } catch (error) {
      this.#log.warn({ err: error }, "the stock server was not told a thread's name");
    }
  }

  /** Tells where a thread goes on after a revert: of a thread that it knows it reads no other file. */
  async putReverted(record: ThreadRecord & { readonly path: string }): Promise<void> {
    await this.put(record);
    const file = await this.#file();
    if (file === undefined) return;
    try {
      runInForeignFile(file, moved, [record.path, record.id]);
    } catch (error) {
      this.#log.warn({ err: error }, "the stock server was not told of a revert");
    }
  }

  /** The newest generation's file. */
  async #file(): Promise<string | undefined> {
    const names = await readdir(this.#codexHome).catch(() => []);
    const versions = names.flatMap((name) => {
      const version = fileName.exec(name)?.groups?.["version"];
      return version === undefined ? [] : [Number(version)];
    });
    const newest = Math.max(...versions);
    return versions.length === 0 ? undefined : join(this.#codexHome, `state_${newest}.sqlite`);
  }
}
