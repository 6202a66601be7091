/** What is written down of who did what: ids, method names, roles, counts. Never a payload, a text or a secret. */
import type { Principal } from "../protocol/principal.ts";

/** Every kind of act. PROTOCOL.md, section Audit, says what each means. */
export const auditActs = [
  "host.start",
  "host.stop",
  "identity.load",
  "pair.offer",
  "pair.redeem",
  "pair.prove",
  "pair.confirm",
  "pair.refuse",
  "pair.cancel",
  "pair.expire",
  "pair.lock",
  "pair.enroll",
  "token.issue",
  "token.renew",
  "connect",
  "agent.register",
  "access.change",
  "access.revoke",
  "access.restore",
  "access.expire",
  "restore.found",
  "restore.confirm",
  "request.refused",
  "upgrade.refused",
  "session.open",
  "session.close",
  "call",
  "approval.answer",
  "tool.answer",
] as const;
export type AuditAct = (typeof auditActs)[number];

export interface AuditWho {
  /** `unknown`: nobody proved anything. `host`: this program by itself. */
  readonly kind: Principal["kind"] | "unknown" | "host";
  readonly id: string;
  /** For people. */
  readonly name: string;
}

export interface AuditEntry {
  readonly act: AuditAct;
  readonly outcome: "done" | "denied" | "failed";
  /** Of the refusal or error. */
  readonly code?: string;
  readonly who: AuditWho;
  /** The peer's address; `control.sock` for the local one, empty for the host itself. */
  readonly address: string;
  readonly about?: Readonly<Record<string, string | number | boolean>>;
}

export interface Audit {
  /** Never throws and never waits. The line is written when this tick ends. */
  add(entry: AuditEntry): void;
  /** False while the disk takes no lines: then nobody is given access, and admins' methods are refused. */
  readonly writable: boolean;
}

/** The public half of the key by which checkpoints and heads are signed, as a JWK. */
export interface AuditPublicKey {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  readonly kid: string;
  readonly alg: "ES256";
  readonly use: "sig";
}

/** The host's signed word that its log ended in this line. */
export interface AuditHead {
  readonly sequence: number;
  /** SHA-256 of the line, base64url. */
  readonly hash: string;
  /** A compact JWS over the two. */
  readonly head: string;
  readonly publicKey: AuditPublicKey;
}

export interface AuditHeads {
  /** Of a line that is on the disk, synced. */
  head(): Promise<AuditHead>;
}

/** Who acts, and from where. A `Principal` is one. */
export interface Actor extends AuditWho {
  readonly address: string;
}

/** The two members of an entry that say who it was. */
export const by = ({ kind, id, name, address }: Actor): Pick<AuditEntry, "who" | "address"> => ({
  who: { kind, id, name },
  address,
});

export const hostActor: Actor = { kind: "host", id: "host", name: "this host", address: "" };

/** Somebody of whom no more is known than the address. */
export const strangerAt = (address: string): Actor => ({
  kind: "unknown",
  id: "",
  name: "",
  address,
});
/** What proves an approval to whoever trusts the public key. It holds the text that was approved. */
export interface Receipt {
  readonly acceptedAtMs: number;
  readonly deviceId: string;
  readonly keyId: string;
  readonly publicKeySpkiDerBase64: string;
  readonly algorithm: "ecdsa_p256_sha256";
  readonly signatureDerBase64: string;
  readonly signedPayloadBase64: string;
}

export interface Receipts {
  /** Puts it on the disk and returns its digest, which the log's line of the approval names. Throws when it cannot be written. */
  keep(receipt: Receipt): string;
}
