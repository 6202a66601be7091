/** The keys of another issuer: kept, asked for anew in the background, and given up when they are too old to be trusted. */
import type { LoadKeys } from "./jwks-load.ts";
import { KeySetError, KeysUnavailable, type KeySource, type VerificationKey } from "./key-set.ts";

export interface RefreshTimes {
  /** Keys are asked for anew after this time, or sooner where the answer says so. */
  readonly refreshMs: number;
  /** How long the last good keys serve beyond that, while new ones cannot be had. */
  readonly maxStaleMs: number;
  /** The least time between two loads: for tokens with an unknown `kid`, after a failure, and where an answer says that it ages at once. */
  readonly coolDownMs: number;
}

export interface RefreshedKeysOptions extends RefreshTimes {
  readonly load: LoadKeys;
  readonly nowMs: () => number;
  /** Keys were removed or given up. */
  readonly onChange: () => void;
  /** Once when loading begins to fail, with the reason, and once when it works again. */
  readonly onFailing: (why: string | undefined) => void;
}

/** Tokens that wait for one load; an attacker's must not fill the host. */
const maxWaiting = 64;

type Keys = ReadonlyMap<string, VerificationKey>;

export class RefreshedKeys implements KeySource {
  readonly #options: RefreshedKeysOptions;
  #good: { readonly keys: Keys; readonly atMs: number; readonly freshMs: number } | undefined;
  #triedAtMs: number | undefined;
  #failing = false;
  #loading: Promise<void> | undefined;
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** Asks for the keys at once. */
  constructor(options: RefreshedKeysOptions) {
    this.#options = options;
    void this.#load();
  }

  async find(kid: string): Promise<VerificationKey | undefined> {
    const known = this.#trusted()?.get(kid);
    if (known !== undefined) return known;
    if (this.#loading !== undefined || this.#coolDownIsOver()) await this.#newKeys();
    const keys = this.#trusted();
    if (keys === undefined) throw new KeysUnavailable();
    return keys.get(kid);
  }

  /** Whether this key, as `find` gave it, is still one of the issuer's. */
  holds(key: VerificationKey): boolean {
    return this.#trusted()?.get(key.kid) === key;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #trusted(): Keys | undefined {
    if (this.#good === undefined) return undefined;
    const { keys, atMs, freshMs } = this.#good;
    return this.#sinceMs(atMs) < freshMs + this.#options.maxStaleMs ? keys : undefined;
  }

  /** A clock that was set back says nothing of how long it has been: long enough, then. */
  #sinceMs(atMs: number): number {
    const ms = this.#options.nowMs() - atMs;
    return ms < 0 ? Infinity : ms;
  }

  #coolDownIsOver(): boolean {
    return (
      this.#triedAtMs === undefined || this.#sinceMs(this.#triedAtMs) >= this.#options.coolDownMs
    );
  }

  async #newKeys(): Promise<void> {
    if (this.#waiting >= maxWaiting) throw new KeysUnavailable();
    this.#waiting += 1;
    try {
      await this.#load();
    } finally {
      this.#waiting -= 1;
    }
  }

  /** One load at a time, however many ask. Never rejects. */
  #load(): Promise<void> {
    this.#loading ??= this.#loadOnce().finally(() => {
      this.#loading = undefined;
      this.#schedule();
    });
    return this.#loading;
  }

  async #loadOnce(): Promise<void> {
    const { load, nowMs, refreshMs, coolDownMs, onFailing } = this.#options;
    const atMs = nowMs();
    this.#triedAtMs = atMs;
    try {
      const { keys, maxAgeMs = refreshMs } = await load();
      const before = this.#good?.keys ?? new Map<string, VerificationKey>();
      const kept = new Map([...keys].map(([kid, key]) => [kid, sameKey(before.get(kid), key)]));
      const freshMs = Math.max(coolDownMs, Math.min(refreshMs, maxAgeMs));
      this.#good = { keys: kept, atMs, freshMs };
      if (this.#failing) onFailing(undefined);
      this.#failing = false;
      if ([...before].some(([kid, key]) => kept.get(kid) !== key)) this.#changed();
    } catch (error) {
      const why = error instanceof KeySetError ? error.message : "loading them failed";
      if (!this.#failing) onFailing(why);
      this.#failing = true;
    }
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.#tick(), this.#nextMs()).unref();
  }

  #nextMs(): number {
    const { coolDownMs, maxStaleMs } = this.#options;
    // Before they are too old, so that nobody waits for a load.
    if (!this.#failing) return (this.#good?.freshMs ?? coolDownMs) * 0.8;
    if (this.#good === undefined) return coolDownMs;
    const { atMs, freshMs } = this.#good;
    return Math.max(0, Math.min(coolDownMs, freshMs + maxStaleMs - this.#sinceMs(atMs)));
  }

  #tick(): void {
    if (this.#good !== undefined && this.#trusted() === undefined) {
      this.#good = undefined;
      this.#changed();
    }
    void this.#load();
  }

  #changed(): void {
    if (!this.#closed) this.#options.onChange();
  }
}

/** The object that is known already, where the key is the same: signatures that were checked with it still count. */
const sameKey = (before: VerificationKey | undefined, now: VerificationKey): VerificationKey =>
  before?.thumbprint === now.thumbprint && before.algorithm === now.algorithm ? before : now;
