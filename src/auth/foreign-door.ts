/** Who comes in without being known to this host: by tokens of other issuers, and as agent runtimes. */
import type { AuditWho } from "../audit/port.ts";
import type { AgentSettings, IssuerSettings } from "../config/issuer-settings.ts";
import { agentIdentityIssuer } from "../protocol/agent-identity.ts";
import { sha256Base64url } from "../crypto/digest.ts";
import type { TrustedIssuer, VerifiedToken } from "../crypto/token-verifier.ts";
import type { Principal } from "../protocol/principal.ts";
import { AgentRuntimes } from "./agent-runtimes.ts";
import type { Answered } from "./auth-audit.ts";
import type { ForeignDenials } from "./foreign-denials.ts";
import { ForeignGrants, type Grant } from "./foreign-grants.ts";
import { accountsOf, ForeignIssuers, roleOf } from "./foreign-issuers.ts";
import type { EndReason, ForeignTarget, RequestFacts } from "./port.ts";
import { refusal, type RefusalCode } from "./refusals.ts";

export interface ForeignDoorOptions {
  readonly issuers: readonly IssuerSettings[];
  readonly agents: readonly AgentSettings[];
  readonly farhelmHome: string;
  readonly denials: Pick<ForeignDenials, "has">;
  /** Throws `AuthError` while nobody may come in. */
  readonly checkOpen: (who: AuditWho) => void;
  /** A grant was taken back by an admin, or because the host is locked. */
  readonly onDrop: (grantId: string, reason: EndReason) => void;
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
  readonly #agents: readonly AgentSettings[];
  readonly #denials: Pick<ForeignDenials, "has">;
  readonly #checkOpen: (who: AuditWho) => void;
  readonly #onDrop: (grantId: string, reason: EndReason) => void;

  /** Throws an `Error` that says what to do when a setting cannot be used. */
  constructor(options: ForeignDoorOptions) {
    const { issuers, agents, onEnd, denials, checkOpen, onDrop, ...shared } = options;
    const { nowMs } = shared;
    this.#agents = agents;
    this.#denials = denials;
    this.#checkOpen = checkOpen;
    this.#onDrop = onDrop;
    this.#grants = new ForeignGrants(nowMs, onEnd);
    this.#runtimes = new AgentRuntimes(agents, nowMs, {
      onEnd: (taskId) => this.#grants.end(taskId, "tokenExpired"),
      checkAccess: ({ runtimeId, account }) => {
        this.#checkAccess(
          foreigner(agentIdentityIssuer, runtimeId),
          [account],
          "assertion_invalid",
        );
      },
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
    const accounts = accountsOf(settings, verified);
    this.#checkAccess(who, accounts, "bearer_invalid");
    if (Object.hasOwn(verified.claims, "cnf")) throw refusal("bearer_bound", who);
    const local = facts.loopback && !facts.forwarded;
    if (!local && !settings.remote) throw refusal("foreign_remote", who);
    this.#checkOpen(who);
    const grant = `tkn_${sha256Base64url(token)}`;
    const ends = { what: "access" as const, atMs: verified.expiresAt * 1000 };
    this.#grants.add({
      id: grant,
      principalId: who.id,
      accounts,
      role,
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
    this.#checkOpen(who);
    const { role } = settings;
    const accounts = [settings.account];
    this.#grants.add({
      id: taskId,
      principalId: who.id,
      accounts,
      role,
      endsAtMs,
      stands: () => true,
    });
    const ends = { what: "access" as const, atMs: endsAtMs };
    return { ...who, role, address: facts.address, grant: taskId, ends };
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

  /** Whether what this principal asked for may still begin. */
  maySend(principalId: string): boolean {
    return this.#grants.maySend(principalId);
  }

  /** Whether farhelm.toml lets anybody in who could be meant. */
  knows({ kind, id }: ForeignTarget): boolean {
    if (kind === "account") return true;
    const end = id.indexOf("|");
    const [issuer, subject] = [id.slice(0, Math.max(0, end)), id.slice(end + 1)];
    if (subject === "" || subject.length > maxSubjectLength) return false;
    const isAgent = ({ runtimeId }: AgentSettings): boolean => runtimeId === subject;
    return (
      this.#issuers.trusts(issuer) || (issuer === agentIdentityIssuer && this.#agents.some(isAgent))
    );
  }

  /** Takes back what was let in of `target`, which was revoked; gives the ids of its principals. */
  drop(target: ForeignTarget): readonly string[] {
    return this.#end("revoked", target);
  }

  /** Takes everything back: the host is locked. */
  lock(): void {
    this.#end("restored");
  }

  close(): void {
    this.#issuers.close();
    this.#grants.close();
  }

  /** To who is kept out it is said in the words for who was never known. */
  #checkAccess(
    who: AuditWho,
    accounts: readonly string[],
    code: Extract<RefusalCode, "bearer_invalid" | "assertion_invalid">,
  ): void {
    const targets: readonly ForeignTarget[] = [
      { kind: "subject", id: who.id },
      ...accounts.map((id) => ({ kind: "account" as const, id })),
    ];
    if (targets.some((target) => this.#denials.has(target))) {
      throw refusal(code, who, "foreign_revoked");
    }
  }

  #end(reason: EndReason, target?: ForeignTarget): readonly string[] {
    const dropped = this.#grants.drop(target);
    for (const grant of dropped) this.#onDrop(grant.id, reason);
    return [...new Set(dropped.map(({ principalId }) => principalId))];
  }
}

/** As in the tokens that are taken. */
const maxSubjectLength = 255;

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
