/** Who comes in without being known to this host: by tokens of other issuers, and as agent runtimes. */
import type { AuditWho } from "../audit/port.ts";
import type { AgentSettings, IssuerSettings } from "../config/issuer-settings.ts";
import { agentIdentityIssuer } from "../protocol/agent-identity.ts";
import { sha256Base64url } from "../crypto/digest.ts";
import type { TrustedIssuer, VerifiedToken } from "../crypto/token-verifier.ts";
import type { Principal } from "../protocol/principal.ts";
import { AgentRuntimes } from "./agent-runtimes.ts";
import type { Answered } from "./auth-audit.ts";
import { ForeignGrants, type Grant } from "./foreign-grants.ts";
import { ForeignIssuers, roleOf } from "./foreign-issuers.ts";
import type { EndReason, RequestFacts } from "./port.ts";
import { refusal } from "./refusals.ts";

export interface ForeignDoorOptions {
  readonly issuers: readonly IssuerSettings[];
  readonly agents: readonly AgentSettings[];
  readonly farhelmHome: string;
  readonly nowMs: () => number;
  readonly warn: (event: string, fields: Readonly<Record<string, string>>) => void;
  /** A grant ended while somebody may be in by it. */
  readonly onEnd: (grant: Grant, reason: EndReason) => void;
}

interface Registration {
  readonly agentRuntimeId: string;
  readonly timestamp: string;
  readonly signature: string;
}

export class ForeignDoor {
  readonly #issuers: ForeignIssuers;
  readonly #grants: ForeignGrants;
  readonly #runtimes: AgentRuntimes;

  /** Throws an `Error` that says what to do when a setting cannot be used. */
  constructor({ issuers, agents, onEnd, ...shared }: ForeignDoorOptions) {
    const { nowMs } = shared;
    this.#grants = new ForeignGrants(nowMs, onEnd);
    this.#runtimes = new AgentRuntimes(agents, nowMs, (taskId) => {
      this.#grants.end(taskId, "tokenExpired");
    });
    const onChange = (): void => this.#grants.recheck();
    this.#issuers = new ForeignIssuers(issuers, { ...shared, onChange });
  }

  get trusted(): readonly TrustedIssuer[] {
    return this.#issuers.trusted;
  }

  /** For a token that `trusted` verified. Throws `AuthError`. */
  admitToken(token: string, verified: VerifiedToken, facts: RequestFacts): Principal {
    const { issuer, subject, key } = verified;
    const who = foreigner(issuer, subject);
    const settings = this.#issuers.settingsOf(verified);
    const role = settings === undefined ? undefined : roleOf(settings, verified);
    if (settings === undefined || role === undefined) throw refusal("bearer_invalid", who);
    if (Object.hasOwn(verified.claims, "cnf")) throw refusal("bearer_bound", who);
    const local = facts.loopback && !facts.forwarded;
    if (!local && !settings.remote) throw refusal("foreign_remote", who);
    const grant = `tkn_${sha256Base64url(token)}`;
    const ends = { what: "access" as const, atMs: verified.expiresAt * 1000 };
    this.#grants.add({
      id: grant,
      principalId: who.id,
      endsAtMs: ends.atMs,
      stands: () => this.#issuers.holds(issuer, key),
    });
    return { ...who, role, address: facts.address, grant, ends };
  }

  /** Throws `AuthError`. */
  admitAssertion(assertion: string, account: string | undefined, facts: RequestFacts): Principal {
    requirePrivacy(facts);
    const { settings, taskId, endsAtMs } = this.#runtimes.asserted(assertion);
    const who = foreigner(agentIdentityIssuer, settings.runtimeId);
    if (account !== undefined && account !== settings.account) {
      throw refusal("account_mismatch", who);
    }
    this.#grants.add({ id: taskId, principalId: who.id, endsAtMs, stands: () => true });
    const ends = { what: "access" as const, atMs: endsAtMs };
    return { ...who, role: settings.role, address: facts.address, grant: taskId, ends };
  }

  /** Throws `AuthError`. */
  register({ agentRuntimeId, timestamp, signature }: Registration, facts: RequestFacts): Answered {
    requirePrivacy(facts);
    const { taskId } = this.#runtimes.register(agentRuntimeId, timestamp, signature);
    return { answer: { task_id: taskId }, who: foreigner(agentIdentityIssuer, agentRuntimeId) };
  }

  /** Whether a principal that came in here may still act. */
  holds({ grant }: Principal): boolean {
    return grant !== undefined && this.#grants.find(grant) !== undefined;
  }

  close(): void {
    this.#issuers.close();
    this.#grants.close();
  }
}

/** An assertion binds neither path nor body: whoever reads one can use it for anything, for minutes. */
function requirePrivacy({ tls, loopback, forwarded }: RequestFacts): void {
  if (!tls && (!loopback || forwarded)) throw refusal("assertion_insecure");
}

/** `iss` holds no `|` (the settings see to that), so no two pairs make one id. */
const foreigner = (issuer: string, subject: string): AuditWho & { readonly kind: "foreign" } => ({
  kind: "foreign",
  id: `${issuer}|${subject}`,
  name: subject,
});
