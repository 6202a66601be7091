/** What others ask of auth: who is at the door, who must leave, and whose signature stands under an approval. */
import type { Actor, AuditWho } from "../audit/port.ts";
import type { ItemId, ThreadId, TurnId } from "../protocol/ids.ts";
import type { FileUpdateChange } from "../protocol/item.ts";
import type { Pairing } from "../protocol/pairing.ts";
import type { Principal, Scope } from "../protocol/principal.ts";
import type { ApprovalAdditions, ApprovalChallenge } from "../protocol/signed-approval.ts";

/** What is known of a request before anyone trusts it. */
export interface RequestFacts {
  /** The peer's address as far as the proxies are trusted. */
  readonly address: string;
  readonly loopback: boolean;
  /** The connection itself is encrypted by this host. */
  readonly tls: boolean;
  /** A Forwarded or X-Forwarded-* header was present. */
  readonly forwarded: boolean;
  /** The allow-listed origin under which this host is reached, for example `http://localhost:7420`. */
  readonly origin: string;
}

/** A refusal at the door: an HTTP status, a stable code, a sentence and a next step. */
export class AuthError extends Error {
  override readonly name = "AuthError";
  readonly status: 400 | 401 | 403 | 404 | 409 | 429 | 503;
  readonly code: string;
  readonly nextStep: string;
  /** Whose credential it was, where that is known. For the audit log, not for the answer. */
  readonly who: AuditWho | undefined;
  /** What the audit log says instead of `code`, where the answer must not tell one case from another. */
  readonly auditCode: string;

  constructor(
    status: AuthError["status"],
    code: string,
    message: string,
    nextStep: string,
    who?: AuditWho,
    auditCode = code,
  ) {
    super(message);
    this.who = who;
    this.auditCode = auditCode;
    this.status = status;
    this.code = code;
    this.nextStep = nextStep;
  }
}

/**
 * `restored`: the host is locked until an admin confirmed a restored state. `changed`: come again with what holds now.
 * `tokenExpired`, `keyRemoved`: of another issuer's token; the id is then the principal's `grant`, and may be with `revoked` and `restored`.
 */
export type EndReason =
  | "revoked"
  | "expired"
  | "changed"
  | "restored"
  | "tokenExpired"
  | "keyRemoved";

/** Decides on credentials that come with a WebSocket upgrade. All rejections are `AuthError`. */
export interface Gatekeeper {
  /** `Authorization: Bearer TOKEN` of a headless or foreign client. A device-bound token alone is refused. */
  admitBearer(token: string, facts: RequestFacts): Promise<Principal>;
  /** A one-use ticket of auth/connect/finish. */
  admitTicket(ticket: string, facts: RequestFacts): Promise<Principal>;
  /**
   * `Authorization: AgentAssertion X` of a registered runtime. `account`: what `chatgpt-account-id` says,
   * where it is there.
   */
  admitAssertion(
    assertion: string,
    account: string | undefined,
    facts: RequestFacts,
  ): Promise<Principal>;
  /** Called at once when a principal, or one grant of it, loses its access; returns a function that ends the listening. */
  onEnd(listener: (id: string, reason: EndReason) => void): () => void;
}

/** Whether somebody who came in earlier may still act. */
export interface Standing {
  /** False once the access was revoked or changed, has expired, or the host is locked. */
  holds(principal: Principal): boolean;
  /** Whether what this principal put into a thread's queue may still begin a turn. */
  maySend(principalId: string): boolean;
}

/** The handlers behind `/auth/*`; bodies are already parsed by the schemas of protocol/auth-api. */
export interface AuthApi {
  /**
   * The parsed body in, the answer's body out. `bearer` is present where the route asks for it.
   * Puts its own line into the audit log, refusals included.
   */
  call(
    path: string,
    body: unknown,
    facts: RequestFacts,
    bearer: string | undefined,
  ): Promise<unknown>;
  /** The public keys, for `/.well-known/jwks.json`. */
  jwks(): { readonly keys: readonly object[] };
}

export interface DeviceRow {
  readonly id: string;
  readonly kind: "device" | "headless";
  readonly name: string;
  readonly role: Principal["role"];
  /** Unix times in milliseconds. */
  readonly createdAtMs: number;
  readonly lastSeenAtMs: number | null;
  readonly expiresAtMs: number | null;
  /** When the role gives way to the one before it. */
  readonly roleUntilMs: number | null;
  /** Null: the whole host. */
  readonly scope: Scope | null;
  /** First 16 hex digits of the key's SHA-256 thumbprint, in groups of four; null for headless tokens. */
  readonly fingerprint: string | null;
}

/** What is absent stays as it is; null takes an end or a scope away. */
export interface DeviceChange {
  readonly name?: string;
  readonly role?: Principal["role"];
  /** Goes with `role`. */
  readonly roleUntilMs?: number | null;
  readonly expiresAtMs?: number | null;
  /** Folders may be given by any absolute path. */
  readonly scope?: Scope | null;
}

export interface RestoredState {
  /** What this host counts, and what it counted once. */
  readonly generation: number;
  readonly knownGeneration: number;
  /** The device that proved it. */
  readonly deviceId: string;
  /** Unix time in milliseconds. */
  readonly foundAtMs: number;
}

/** One of other issuers: a principal's id (`iss|sub`), or an account, whichever issuer or agent entry names it. */
export interface ForeignTarget {
  readonly kind: "subject" | "account";
  readonly id: string;
}

export interface ForeignDenial extends ForeignTarget {
  /** Unix time in milliseconds. */
  readonly revokedAtMs: number;
}

export interface ForeignRevocation {
  /** False when it was revoked before, or nobody of that id can come in. */
  readonly revoked: boolean;
  /** `unknown`: no credential of it is in use now; this host keeps no list of them. */
  readonly was: "live" | "revoked" | "unknown";
  /** The principals that lost what they came in with. */
  readonly ids: readonly string[];
}

/** The same for those who come in by other issuers' tokens or as agents. */
export interface ForeignAdmin {
  /** Those who are kept out, oldest first. */
  list(): readonly ForeignDenial[];
  /** Ends their sockets and keeps them out until `restore`. */
  revoke(target: ForeignTarget, by: Actor): ForeignRevocation;
  /** False when it was not revoked. */
  restore(target: ForeignTarget, by: Actor): boolean;
}

/** What admins may do; behind the CLI and the methods that it calls. `by` goes into the audit log. */
export interface DeviceAdmin {
  readonly foreign: ForeignAdmin;
  list(): readonly DeviceRow[];
  /** Ends its sockets, tickets and tokens. False when there is none of that id, or it was revoked before. */
  revoke(id: string, by: Actor): boolean;
  /** The same for every device and headless token; gives their ids. */
  revokeAll(by: Actor): readonly string[];
  /**
   * Changes what is given; undefined when nothing live has that id. But for a new name the live sockets are closed
   * (`changed`) and come again with what holds now. `roleUntilMs`: then the earlier role comes back.
   */
  change(id: string, change: DeviceChange, by: Actor): DeviceRow | undefined;
  /** What is known of an id, also after its end. */
  standing(id: string): "live" | "revoked" | "expired" | "unknown";
  /** Present while the host is locked: a device proved that this state is older than one that it knows. */
  restored(): RestoredState | undefined;
  /** Lets everybody in again that `list` shows. False when the host was not locked. */
  confirmRestore(by: Actor): boolean;
  /** A bearer token for a headless client. `ttlMs`: how long it lives. */
  issueHeadless(
    name: string,
    role: Principal["role"],
    ttlMs: number,
    by: Actor,
  ): Promise<{ token: string; id: string; expiresAtMs: number }>;
  hasDevices(): boolean;
}

/** What an approval would allow: the very values that are then run or written. */
export type ApprovalSubject = {
  readonly threadId: ThreadId;
  readonly turnId: TurnId;
  readonly itemId: ItemId;
} & (
  | {
      readonly kind: "command";
      readonly command: readonly string[];
      readonly cwd: string;
      /** It runs outside of any sandbox. */
      readonly escalated: boolean;
      /** What it may do on top of its thread's permissions. */
      readonly additions?: ApprovalAdditions;
      /** It runs already: the host that it wants to reach, as `protocol://host:port`. */
      readonly reaches?: string;
    }
  | {
      readonly kind: "permissions";
      readonly cwd: string;
      readonly additions: ApprovalAdditions;
    }
  | {
      readonly kind: "fileChange";
      readonly changes: readonly FileUpdateChange[];
      readonly realPaths: readonly string[];
    }
);

/** What a gate says of an answer. */
export type Admission =
  /** It counts. `about` names its receipt; empty: it was not signed and need not be. */
  | { readonly kind: "admitted"; readonly about: Readonly<Record<string, string>> }
  | {
      readonly kind: "fault";
      readonly code: string;
      readonly message: string;
      readonly nextStep: string;
      /** What was signed is not what is asked now: the connection is asked anew. */
      readonly askAgain: boolean;
      /** The client shows no sign that it knows of signatures: it is told in words that such clients show, too. */
      readonly inWords: boolean;
    };

/** Who answers, as decided at the door. */
export type Answerer = Actor & Pick<Principal, "role">;

/** Stands before the answers to one question that must be signed. */
export interface ApprovalGate {
  /** What the request carries as `farhelmSignature`; another object once the last one has expired. */
  challenge(): ApprovalChallenge;
  /** Keeps the receipt of a signed answer that counts. Only to be called while the question waits. */
  admit(result: unknown, by: Answerer): Admission;
}

export interface ApprovalNotary {
  /** Undefined: nobody has to sign. `tooLong`: it would have to be signed and cannot be. */
  gate(subject: ApprovalSubject, requestId: number): ApprovalGate | "tooLong" | undefined;
}

export interface OfferedPairing {
  readonly id: string;
  /** For the link's fragment. */
  readonly secret: string;
  /** For people to type, `ABCD-EFGH`; null: this pairing has none. */
  readonly code: string | null;
  readonly expiresAtMs: number;
  /** No device exists: who opens the link first is admin without being confirmed. */
  readonly first: boolean;
}

/** How admins let devices in. `by` goes into the audit log. */
export interface PairingDesk {
  /**
   * A link and a code, good for one device. `deviceTtlMs`: the new device's access ends after this
   * time (a guest). While there is no device the role is admin, without an end. Throws `AuthError`.
   */
  offer(
    role: Principal["role"],
    by: Actor,
    options?: { readonly deviceTtlMs?: number; readonly withCode?: boolean },
  ): OfferedPairing;
  /** Those under way and those that ended lately, oldest first. */
  list(): readonly Pairing[];
  /** Lets the device in that waits. False when none waits there. */
  confirm(id: string, by: Actor): boolean;
  /** Sends the device away that redeemed it. False when there is none. */
  refuse(id: string, by: Actor): boolean;
  /** Takes a link back that nobody used. False when there is none. */
  cancel(id: string, by: Actor): boolean;
  /** Called with each pairing that changed; returns a function that ends the listening. */
  onChange(listener: (pairing: Pairing) => void): () => void;
}
