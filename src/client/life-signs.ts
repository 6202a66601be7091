/**
 * Finds out whether a connection still lives. The host says something every interval; one that was silent for a quarter
 * longer is asked, and after two intervals without a word it is dead.
 */
export interface LifeSignsOptions {
  readonly intervalMs: number;
  /** Asks the other side for a word. */
  readonly ask: () => void;
  readonly dead: () => void;
}

/** Whoever is asked has this long at least: the timer may be late, because the machine slept. */
const leastAnswerMs = 6_000;

export class LifeSigns {
  readonly #options: LifeSignsOptions;
  #heardAtMs = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LifeSignsOptions) {
    this.#options = options;
    this.#listen();
  }

  /** Something came. */
  heard(): void {
    this.#heardAtMs = performance.now();
  }

  /** Asks now, and calls it dead if nothing comes soon. */
  doubt(): void {
    this.#ask(leastAnswerMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #listen(): void {
    const { intervalMs } = this.#options;
    const silenceMs = intervalMs * 1.25;
    const due = (): void => {
      const silentMs = performance.now() - this.#heardAtMs;
      if (silentMs < silenceMs) this.#listen();
      else this.#ask(Math.max(2 * intervalMs - silentMs, Math.min(intervalMs, leastAnswerMs)));
    };
    this.#wait(this.#heardAtMs + silenceMs - performance.now(), due);
  }

  #ask(answerMs: number): void {
    const askedAtMs = performance.now();
    this.#wait(answerMs, () => {
      if (this.#heardAtMs < askedAtMs) this.#options.dead();
      else this.#listen();
    });
    this.#options.ask();
  }

  #wait(ms: number, due: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(due, Math.max(0, ms));
  }
}
