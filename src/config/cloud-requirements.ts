/** Requirements that are kept somewhere else: asked for at the start and from time to time. Until they are known nothing is allowed. */
import type { CloudRequirements, RequirementsSource } from "./port.ts";
import { ConfigError } from "./port.ts";

const refreshMs = 5 * 60 * 1000;
/** After a failure: soon enough for a person who waits, seldom enough for a service that is down. */
const retryMs = 10_000;

type State =
  | { readonly kind: "loading" }
  | { readonly kind: "known"; readonly text: string | undefined }
  | { readonly kind: "failed"; readonly why: string };

export class PolledRequirements implements CloudRequirements {
  readonly #source: RequirementsSource;
  #state: State = { kind: "loading" };
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(source: RequirementsSource) {
    this.#source = source;
  }

  /** Resolves after the first answer, whichever it is. */
  async begin(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      this.#state = { kind: "known", text: await this.#source.load() };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      // what was known stays in force while its source cannot be asked
      if (this.#state.kind !== "known") this.#state = { kind: "failed", why };
    }
    if (this.#isClosed) return;
    const waitMs = this.#state.kind === "known" ? refreshMs : retryMs;
    this.#timer = setTimeout(() => void this.begin(), waitMs).unref();
  }

  text(): string | undefined {
    const state = this.#state;
    if (state.kind === "known") return state.text;
    const why = state.kind === "failed" ? state.why : "they are still being loaded";
    throw new ConfigError(
      `Failed to load cloud requirements (workspace-managed policies): ${why}. Nothing runs until they are known; try again in a moment.`,
    );
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }
}
