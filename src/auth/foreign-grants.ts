/** Credentials that end by themselves while somebody is in by them: tokens of other issuers, tasks of agents. */
import { mayAct, type Role } from "../protocol/principal.ts";
import type { EndReason, ForeignTarget } from "./port.ts";
import { refusal } from "./refusals.ts";

export interface Grant {
  /** Names this one credential; nobody can guess or choose it. */
  readonly id: string;
  readonly principalId: string;
  /** That the credential names; more than one where its claim is a list. */
  readonly accounts: readonly string[];
  readonly role: Role;
  /** Unix time in milliseconds. */
  readonly endsAtMs: number;
  /** False once what the credential rests on is gone. */
  readonly stands: () => boolean;
}

/** Of one principal, and of all. A client uses one token until it expires, so these are many. */
const maxOfPrincipal = 256;
const maxGrants = 10_000;
/** The longest delay that setTimeout takes. */
const maxTimerMs = 2 ** 31 - 1;

export class ForeignGrants {
  readonly #nowMs: () => number;
  readonly #onEnd: (grant: Grant, reason: EndReason) => void;
  readonly #grants = new Map<string, Grant>();
  /** One timer for the end that comes next; it does not keep the process alive. */
  #timer: NodeJS.Timeout | undefined;

  constructor(nowMs: () => number, onEnd: (grant: Grant, reason: EndReason) => void) {
    this.#nowMs = nowMs;
    this.#onEnd = onEnd;
  }

  /** This access ends at `endsAtMs`. Throws `AuthError` when there are too many. */
  add(grant: Grant): void {
    if (!this.#grants.has(grant.id)) {
      const own = [...this.#grants.values()].filter(
        ({ principalId }) => principalId === grant.principalId,
      );
      if (own.length >= maxOfPrincipal || this.#grants.size >= maxGrants) {
        throw refusal("credentials_exhausted");
      }
    }
    this.#grants.set(grant.id, grant);
    this.#arm();
  }

  /** Undefined when it has ended. */
  find(grantId: string): Grant | undefined {
    const grant = this.#grants.get(grantId);
    return grant !== undefined && grant.endsAtMs > this.#nowMs() ? grant : undefined;
  }

  /** Whether this principal may still begin what it asked for: by a credential that has not ended. */
  maySend(principalId: string): boolean {
    const nowMs = this.#nowMs();
    return [...this.#grants.values()].some(
      (grant) =>
        grant.principalId === principalId &&
        grant.endsAtMs > nowMs &&
        mayAct(grant.role, "operator") &&
        grant.stands(),
    );
  }

  /** Takes out those of `target`, or all, and gives them; `onEnd` is not called. */
  drop(target?: ForeignTarget): readonly Grant[] {
    const dropped = [...this.#grants.values()].filter(
      (grant) => target === undefined || isOf(grant, target),
    );
    for (const { id } of dropped) this.#grants.delete(id);
    this.#arm();
    return dropped;
  }

  /** Ends one of which the owner says so. */
  end(grantId: string, reason: EndReason): void {
    const grant = this.#grants.get(grantId);
    if (grant === undefined) return;
    this.#grants.delete(grantId);
    this.#onEnd(grant, reason);
  }

  /** Ends those that rest on nothing any more. */
  recheck(): void {
    for (const { id, stands } of this.#grants.values()) if (!stands()) this.end(id, "keyRemoved");
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#grants.clear();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const nextMs = Math.min(...[...this.#grants.values()].map(({ endsAtMs }) => endsAtMs));
    if (nextMs === Infinity) return;
    const delayMs = Math.min(maxTimerMs, Math.max(0, nextMs - this.#nowMs()));
    this.#timer = setTimeout(() => this.#endExpired(), delayMs).unref();
  }

  #endExpired(): void {
    const nowMs = this.#nowMs();
    for (const { id, endsAtMs } of this.#grants.values()) {
      if (endsAtMs <= nowMs) this.end(id, "tokenExpired");
    }
    this.#arm();
  }
}

const isOf = ({ principalId, accounts }: Grant, { kind, id }: ForeignTarget): boolean =>
  kind === "subject" ? principalId === id : accounts.includes(id);
