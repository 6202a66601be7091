/** Whether every signed approval of a log has its receipt, and every receipt holds, with public keys only. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeBase64 } from "../crypto/base64.ts";
import { parseP256Spki, verifyP256 } from "../crypto/p256.ts";
import { parseStrictObject, type JsonObject } from "../crypto/strict-json.ts";
import { decisionNameOf } from "../protocol/decision-name.ts";
import { approvalDomain } from "../protocol/signed-approval.ts";
import { isRecord } from "../util/is-record.ts";
import { AuditFault, faultAt } from "./chain-fault.ts";
import { receiptDigest, receiptsFolder } from "./receipts.ts";
import type { StoredLine } from "./stored-lines.ts";

/** A line of the log that says that somebody signed. */
interface Approved {
  readonly at: StoredLine;
  readonly deviceId: unknown;
  readonly about: Readonly<Record<string, unknown>>;
}

interface Place {
  /** `receipts/2026-03.jsonl, line 4`. */
  readonly name: string;
  readonly digest: string;
}

export interface ReceiptReport {
  readonly receipts: number;
  /** Receipts with a valid signature of which the log knows nothing: the host was killed in between. */
  readonly unlisted: number;
}

/** Is told all lines of the log in their order, then looks at the receipts. */
export class ReceiptCheck {
  readonly #folder: string;
  /** By the digest of the receipt. */
  readonly #approved = new Map<string, Approved>();
  /** The thumbprint with which a device was paired, where the log goes back so far. */
  readonly #enrolled = new Map<unknown, string>();
  readonly #unlisted: Place[] = [];

  constructor(auditFolder: string) {
    this.#folder = receiptsFolder(auditFolder);
  }

  note(at: StoredLine): void {
    if (at.line === undefined) return;
    const { act, members } = at.line;
    const { about, who, outcome } = members;
    if (outcome !== "done" || !isRecord(about) || !isRecord(who)) return;
    const { receipt, key } = about;
    if (act === "pair.enroll" && typeof key === "string") this.#enrolled.set(who["id"], key);
    if (act === "approval.answer" && typeof receipt === "string") {
      this.#approved.set(receipt, { at, deviceId: who["id"], about });
    }
  }

  /** Throws `AuditFault` at the first receipt or approval that does not hold. */
  finish(): ReceiptReport {
    const missing = new Map(this.#approved);
    for (const { line, name } of this.#lines()) {
      const place = { name, digest: receiptDigest(line) };
      this.#check(line, place);
      missing.delete(place.digest);
    }
    const [lost] = missing.values();
    if (lost !== undefined) throw this.#lost(lost);
    return { receipts: this.#approved.size, unlisted: this.#unlisted.length };
  }

  *#lines(): Generator<{ readonly line: string; readonly name: string }> {
    for (const file of filesIn(this.#folder)) {
      const lines = readFileSync(join(this.#folder, file), "utf8").split("\n");
      for (const [index, line] of lines.entries()) {
        if (line !== "") yield { line, name: `receipts/${file}, line ${index + 1}` };
      }
    }
  }

  #check(line: string, place: Place): void {
    const approved = this.#approved.get(place.digest);
    const receipt = parseStrictObject(Buffer.from(line));
    if (receipt === undefined) {
      // cut short by a kill: no line of the log names it
      if (approved === undefined) return;
      throw fault(place, "it cannot be read.");
    }
    const signed = signedBy(receipt);
    if (signed === undefined)
      throw fault(place, "this receipt was edited: its signature does not hold.");
    if (approved === undefined) {
      this.#unlisted.push(place);
      return;
    }
    const { about, deviceId } = approved;
    const { payload, thumbprint } = signed;
    const enrolled = this.#enrolled.get(deviceId) ?? thumbprint;
    if (thumbprint !== about["key"] || thumbprint !== enrolled) {
      throw fault(place, "its key is not the one with which the device was paired.");
    }
    const isSame = ["threadId", "turnId", "itemId"].every((id) => payload[id] === about[id]);
    if (!isSame || nameOf(payload) !== about["decision"]) {
      throw fault(place, "it is of another approval than the log says.");
    }
  }

  #lost({ at }: Approved): AuditFault {
    const [other] = this.#unlisted;
    if (other !== undefined) return fault(other, "this receipt was edited: the log names another.");
    return faultAt("receipt", at, "the receipt of this approval is not there, or was edited.");
  }
}

const fault = ({ name }: Place, what: string): AuditFault =>
  new AuditFault("receipt", `${name}: ${what}`);

function filesIn(folder: string): readonly string[] {
  try {
    const names = readdirSync(folder);
    return names.filter((name) => name.endsWith(".jsonl")).toSorted();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

/** What stands under a signature that holds, and the thumbprint of its key. */
function signedBy(
  receipt: JsonObject,
): { readonly payload: JsonObject; readonly thumbprint: string } | undefined {
  const spki = bytesOf(receipt["publicKeySpkiDerBase64"]);
  const bytes = bytesOf(receipt["signedPayloadBase64"]);
  const signature = bytesOf(receipt["signatureDerBase64"]);
  const key = spki && parseP256Spki(spki);
  if (!key || !bytes || !signature || !verifyP256(key, bytes, signature)) return undefined;
  const signed = parseStrictObject(bytes);
  const payload = signed?.["payload"];
  if (signed?.["domain"] !== approvalDomain || !isRecord(payload)) return undefined;
  return { payload, thumbprint: key.thumbprint };
}

const bytesOf = (text: unknown): Buffer | undefined =>
  typeof text === "string" ? decodeBase64(text) : undefined;

/** As the log names a decision. */
const nameOf = ({ kind, decision }: JsonObject): unknown =>
  decisionNameOf(kind === "permissions" ? decision : { decision }) ?? undefined;
