import type { CommandOutputListener } from "../tools/port.ts";
import { deferred } from "../util/deferred.ts";

/** Output that waits until the answer that announces its process is out; the process waits with it. */
export class HeldOutput {
  readonly #answered = deferred<void>();
  #last: Promise<void> | undefined = this.#answered.promise;
  readonly listener: CommandOutputListener;

  constructor(pass: CommandOutputListener) {
    const passLater = async (
      before: Promise<void>,
      ...piece: Parameters<CommandOutputListener>
    ): Promise<void> => {
      await before;
      await pass(...piece);
    };
    this.listener = (...piece) => {
      if (!this.#last) return pass(...piece);
      this.#last = passLater(this.#last, ...piece);
      return this.#last;
    };
  }

  /** The answer is out: what waits goes on, and what comes after it waits no more. */
  async release(): Promise<void> {
    this.#answered.resolve();
    await this.passed();
    this.#last = undefined;
  }

  /** Resolves when nothing waits any more. */
  async passed(): Promise<void> {
    while (this.#last) {
      const last = this.#last;
      await last;
      if (this.#last === last) return;
    }
  }
}
