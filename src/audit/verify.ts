/** Reads a log with public keys only, and finds the first line that is not as the host wrote it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { PublicKey } from "../crypto/signed-claims.ts";
import { isRecord } from "../util/is-record.ts";
import { publicName, verifiedHead } from "./audit-heads.ts";
import type { ChainEnd } from "./audit-line.ts";
import { chainStart, endOf } from "./audit-line.ts";
import { checkpointEvery } from "./audit-log.ts";
import { AuditFault, chainFault, faultAt } from "./chain-fault.ts";
import type { ReceiptReport } from "./receipt-check.ts";
import { ReceiptCheck } from "./receipt-check.ts";
import type { StoredLine } from "./stored-lines.ts";
import { logFiles, storedLines } from "./stored-lines.ts";

export interface VerifyOptions {
  /** The folder with the log. */
  readonly dir: string;
  /** A head that a device kept, as text, or the path of a file that holds it. */
  readonly head?: string;
  /** A file with the public key, as a JWK or a JWK set. */
  readonly key?: string;
}

interface Report {
  readonly lines: number;
  readonly files: number;
  readonly checkpoints: number;
  /** Lines behind the last checkpoint. */
  readonly unsigned: number;
  readonly end: ChainEnd;
  readonly approvals: ReceiptReport;
}

/** A running host may be in the middle of its last line; then it is looked at once more. */
const lookAgainMs = 300;

/** Resolves with what was found to be in order, for people. Rejects with `AuditFault`, or a sentence. */
export async function verifyAudit(options: VerifyOptions): Promise<string> {
  logFiles(options.dir);
  const { keys, head } = credentials(options);
  try {
    return inWords(options.dir, walk(options.dir, keys, head), head);
  } catch (error) {
    if (!(error instanceof AuditFault) || error.kind !== "torn") throw error;
    await delay(lookAgainMs);
    return inWords(options.dir, walk(options.dir, keys, head), head);
  }
}

function walk(dir: string, keys: readonly PublicKey[], head: ChainEnd | undefined): Report {
  const files = new Set<string>();
  let end = chainStart;
  let before: StoredLine | undefined;
  let [checkpoints, unsigned] = [0, 0];
  const receipts = new ReceiptCheck(dir);
  for (const at of storedLines(dir)) {
    const { line } = at;
    if (!at.ended) throw faultAt("torn", at, torn);
    if (line === undefined || line.sequence !== end.sequence + 1 || line.prev !== end.hash) {
      throw chainFault(dir, before, end, at);
    }
    if (line.act === "audit.checkpoint") {
      checkSignature(at, end, keys);
      [checkpoints, unsigned] = [checkpoints + 1, 0];
    } else if (checkpoints === 0 || ++unsigned > checkpointEvery) {
      throw faultAt("signature", at, "a signed checkpoint should stand before this line.");
    }
    if (at.number === 1) checkName(at, line.sequence);
    files.add(at.file);
    receipts.note(at);
    end = endOf(at.bytes, line.sequence);
    if (head?.sequence === end.sequence && head.hash !== end.hash)
      throw faultAt("head", at, another);
    before = at;
  }
  if (head !== undefined && head.sequence > end.sequence) throw cut(end, head, before);
  const approvals = receipts.finish();
  return { lines: end.sequence, files: files.size, checkpoints, unsigned, end, approvals };
}

const torn =
  "this line was not written to its end: the host was killed, or the log was cut. The host's next start mends it.";
const another =
  "this is not the line that the host had signed with the head: the log was written anew.";

function checkSignature(at: StoredLine, before: ChainEnd, keys: readonly PublicKey[]): void {
  const signed = verifiedHead(at.line?.head ?? "", keys);
  if (signed?.sequence === before.sequence && signed.hash === before.hash) return;
  throw faultAt(
    "signature",
    at,
    "the signature of this checkpoint does not hold: the log was written anew, or it is another host's.",
  );
}

function checkName(at: StoredLine, sequence: number): void {
  if (Number.parseInt(at.file, 10) === sequence) return;
  throw faultAt("reordered", at, `the file's name says that it begins with another sequence.`);
}

const cut = (end: ChainEnd, head: ChainEnd, last: StoredLine | undefined): AuditFault =>
  new AuditFault(
    "missing",
    `${last?.file}, line ${last?.number} (sequence ${end.sequence}): the log was cut after this line: sequences ${end.sequence + 1} to ${head.sequence} are not there, and the head says that they were.`,
  );

function inWords(dir: string, report: Report, head: ChainEnd | undefined): string {
  const { lines, files, checkpoints, unsigned, end, approvals } = report;
  return [
    `The audit log in ${dir} is as it was written: ${lines} lines in ${files} ${files === 1 ? "file" : "files"}, ${checkpoints} signed checkpoints.`,
    `It ends with sequence ${end.sequence}, hash ${end.hash}; ${unsigned} lines stand behind the last checkpoint.`,
    ...receiptWords(approvals),
    head === undefined
      ? "Without --head nobody can tell whether its end was cut; devices keep heads."
      : `The head of sequence ${head.sequence} belongs to it.`,
  ].join("\n");
}

function receiptWords({ receipts, unlisted }: ReceiptReport): readonly string[] {
  const hold =
    receipts === 1
      ? "1 receipt of a signed approval holds, with the key of the device."
      : `${receipts} receipts of signed approvals hold, each with the key of its device.`;
  const more = `${unlisted} more hold that the log does not name: the host was killed in between.`;
  return [...(receipts > 0 ? [hold] : []), ...(unlisted > 0 ? [more] : [])];
}

/** The keys that count: those that were given, else the head's own, else the one beside the log. */
function credentials({ dir, head, key }: VerifyOptions): {
  readonly keys: readonly PublicKey[];
  readonly head: ChainEnd | undefined;
} {
  const kept = head === undefined ? undefined : keptHead(head);
  const given = key === undefined ? undefined : keysIn(json(readFileSync(key, "utf8")));
  const keys = given ?? kept?.keys ?? keysIn(json(readBeside(dir)));
  if (keys.length === 0)
    throw new Error(`There is no P-256 public key in ${key ?? dir}; name its file with --key.`);
  if (kept === undefined) return { keys, head: undefined };
  const verified = verifiedHead(kept.head, keys);
  if (verified !== undefined) return { keys, head: verified };
  throw new AuditFault(
    "head",
    "The head is not signed with the key of this log: the log was written anew, or the head is another host's.",
  );
}

/** The JWS alone, or what farhelm/audit/head answers, which brings the key along. */
function keptHead(textOrFile: string): { head: string; keys: readonly PublicKey[] | undefined } {
  const text = (existsSync(textOrFile) ? readFileSync(textOrFile, "utf8") : textOrFile).trim();
  const value = text.startsWith("{") ? json(text) : undefined;
  if (!isRecord(value)) return { head: text, keys: undefined };
  const keys = keysIn(value["publicKey"]);
  return { head: String(value["head"]), keys: keys.length > 0 ? keys : undefined };
}

const readBeside = (dir: string): string => {
  const file = join(dir, publicName);
  return existsSync(file) ? readFileSync(file, "utf8") : "";
};

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function keysIn(value: unknown): readonly PublicKey[] {
  const list: readonly unknown[] =
    isRecord(value) && Array.isArray(value["keys"]) ? value["keys"] : [value];
  return list.flatMap((each) => {
    if (!isRecord(each) || each["crv"] !== "P-256") return [];
    const { kid, x, y } = each;
    return typeof kid === "string" && typeof x === "string" && typeof y === "string"
      ? [{ kid, x, y }]
      : [];
  });
}
