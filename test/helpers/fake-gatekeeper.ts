import { EventEmitter, once } from "node:events";
import type { AuthApi, EndReason, Gatekeeper, RequestFacts } from "../../src/auth/port.ts";
import { AuthError } from "../../src/auth/port.ts";
import type { Principal } from "../../src/protocol/principal.ts";

/** Admits the tokens and one-use tickets that were given to it. `hold()` makes it as slow as a test wants. */
export class FakeGatekeeper implements Gatekeeper {
  readonly tokens = new Map<string, Principal>();
  readonly tickets = new Map<string, Principal>();
  /** What it was told of each request, in order. */
  readonly seen: RequestFacts[] = [];
  readonly #listeners = new Set<(principalId: string, reason: EndReason) => void>();
  #gate: Promise<unknown> = Promise.resolve();

  async admitBearer(token: string, facts: RequestFacts): Promise<Principal> {
    this.seen.push(facts);
    const principal = this.tokens.get(token);
    await this.#gate;
    if (principal) return principal;
    throw new AuthError(401, "token_invalid", "invalid websocket bearer token", "Make a new one.");
  }

  async admitTicket(ticket: string, facts: RequestFacts): Promise<Principal> {
    this.seen.push(facts);
    const principal = this.tickets.get(ticket);
    this.tickets.delete(ticket);
    await this.#gate;
    if (principal) return principal;
    throw new AuthError(401, "ticket_invalid", "invalid websocket ticket", "Connect again.");
  }

  async admitAssertion(
    assertion: string,
    _account: string | undefined,
    facts: RequestFacts,
  ): Promise<Principal> {
    return this.admitBearer(assertion, facts);
  }

  onEnd(listener: (principalId: string, reason: EndReason) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Every decision waits until the returned function is called. */
  hold(): () => void {
    const gate = new EventEmitter();
    this.#gate = once(gate, "open");
    return () => void gate.emit("open");
  }

  /** Takes a principal's access away. */
  end(principalId: string, reason: EndReason): void {
    for (const listener of this.#listeners) listener(principalId, reason);
  }
}

/** Answers each path with what was put there; remembers the calls. */
export class FakeAuthApi implements AuthApi {
  readonly answers = new Map<string, unknown>();
  readonly calls: {
    readonly path: string;
    readonly body: unknown;
    readonly facts: RequestFacts;
    readonly bearer: string | undefined;
  }[] = [];

  call(
    path: string,
    body: unknown,
    facts: RequestFacts,
    bearer: string | undefined,
  ): Promise<unknown> {
    this.calls.push({ path, body, facts, bearer });
    const answer = this.answers.get(path);
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  }

  jwks(): { readonly keys: readonly object[] } {
    return { keys: [{ kty: "EC", kid: "one" }] };
  }
}
