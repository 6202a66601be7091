/** Runs jobs with the same key one after another; different keys do not wait for each other. */
export class KeyQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** True when a job of this key is running or waiting. */
  isBusy(key: string): boolean {
    return this.#tails.has(key);
  }

  run<T>(key: string, job: () => Promise<T> | T): Promise<T> {
    const result = (this.#tails.get(key) ?? Promise.resolve()).then(job);
    const tail = result
      .then(
        () => {},
        () => {},
      )
      .finally(() => {
        if (this.#tails.get(key) === tail) this.#tails.delete(key);
      });
    this.#tails.set(key, tail);
    return result;
  }
}
