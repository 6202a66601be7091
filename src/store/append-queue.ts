/** What waits in front of one thread's history: written in call order, all that waits at a time in one batch. */

interface Waiting<T> {
  readonly events: readonly T[];
  resolve(): void;
  reject(error: unknown): void;
}

export interface AppendQueueParts<T> {
  /** Writes a batch whole, or rejects and writes nothing of it. */
  write(events: readonly T[]): Promise<void>;
  /** Awaited before the first batch after a pause; what is added meanwhile belongs to that batch. Must not reject. */
  ready?(): Promise<void>;
}

export class AppendQueue<T> {
  readonly #parts: AppendQueueParts<T>;
  #waiting: Waiting<T>[] = [];
  #draining: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: AppendQueueParts<T>) {
    this.#parts = parts;
  }

  /** Whether it takes no more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when they are written; rejects with what kept their batch from it. */
  add(events: readonly T[]): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error("the thread was given up already"));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ events, resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  /** Waits for what was added; never rejects. */
  async settled(): Promise<void> {
    await this.#draining;
  }

  /** Takes no more, and waits for what was added. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#draining;
  }

  async #drain(): Promise<void> {
    if (this.#parts.ready) await this.#parts.ready();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#parts.write(batch.flatMap(({ events }) => events));
        for (const each of batch) each.resolve();
      } catch (error) {
        for (const each of batch) each.reject(error);
      }
    }
    this.#draining = undefined;
  }
}
