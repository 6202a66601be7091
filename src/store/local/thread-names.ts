/** The names that people gave threads: `session_index.jsonl`, one line per naming, the last one counts. */
import { appendFile, open, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseRecord, textOf } from "../rollout/members.ts";
import { whileLocked } from "./flock.ts";
import { storeFailure } from "./store-failure.ts";

export class ThreadNames {
  readonly #path: string;
  readonly #changed: (names: ReadonlyMap<string, string>) => void;
  readonly #names = new Map<string, string>();
  #readBytes = 0;
  #inode = 0;
  /** Whether the file ends in the half of a line. */
  #torn = false;
  #refreshing: Promise<ReadonlyMap<string, string>> | undefined;

  /** `changed` is told of every naming that is read, be it this program's or another's. */
  constructor(codexHome: string, changed: (names: ReadonlyMap<string, string>) => void) {
    this.#path = join(codexHome, "session_index.jsonl");
    this.#changed = changed;
  }

  nameOf(id: string): string | null {
    return this.#names.get(id) ?? null;
  }

  /** Reads what was added since the last time, by whichever program; resolves with what was read. */
  refresh(): Promise<ReadonlyMap<string, string>> {
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Writes a name that is not the thread's already. Rejects with `StoreError`. */
  async append(id: string, name: string, nowMs: number): Promise<void> {
    const line = { id, thread_name: name, updated_at: new Date(nowMs).toISOString() };
    await this.refresh();
    if (this.#names.get(id) === name) return;
    try {
      await whileLocked(`${this.#path}.lock`, () =>
        appendFile(this.#path, `${this.#torn ? "\n" : ""}${JSON.stringify(line)}\n`, {
          mode: 0o600,
        }),
      );
    } catch (error) {
      throw storeFailure(error, "write the thread's name");
    }
    this.#names.set(id, name);
  }

  /** Takes a thread's names out. Rejects with `StoreError`. */
  async remove(id: string): Promise<void> {
    await this.refresh();
    if (!this.#names.has(id)) return;
    try {
      await whileLocked(`${this.#path}.lock`, async () => {
        const lines = (await readFile(this.#path, "utf8")).split("\n");
        const kept = lines.filter((line) => textOf(parseRecord(line)?.["id"]) !== id);
        const temporary = `${this.#path}.${process.pid}.new`;
        await writeFile(temporary, kept.join("\n"), { mode: 0o600 });
        await rename(temporary, this.#path);
      });
    } catch (error) {
      throw storeFailure(error, "remove the thread's name");
    }
    this.#names.delete(id);
  }

  async #read(): Promise<ReadonlyMap<string, string>> {
    const changed = new Map<string, string>();
    const { size, ino } = await stat(this.#path).catch(() => ({ size: 0, ino: 0 }));
    // Another program has written the file anew.
    if (size < this.#readBytes || ino !== this.#inode) this.#readBytes = 0;
    this.#inode = ino;
    if (size === this.#readBytes) return changed;
    const text = await this.#slice(this.#readBytes, size);
    const end = text.lastIndexOf("\n") + 1;
    this.#torn = end < text.length;
    this.#readBytes += Buffer.byteLength(text.slice(0, end));
    for (const line of text.slice(0, end).split("\n")) {
      const entry = parseRecord(line);
      const id = textOf(entry?.["id"]);
      const name = textOf(entry?.["thread_name"]);
      if (id === null || name === null) continue;
      this.#names.set(id, name);
      changed.set(id, name);
    }
    if (changed.size > 0) this.#changed(changed);
    return changed;
  }

  async #slice(from: number, to: number): Promise<string> {
    const file = await open(this.#path, "r").catch(() => undefined);
    if (file === undefined) return "";
    try {
      const bytes = Buffer.alloc(to - from);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
      return bytes.toString("utf8", 0, bytesRead);
    } finally {
      await file.close();
    }
  }
}
