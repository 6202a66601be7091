/**
 * Receipts of signed approvals, beside the log: one JSON object a line in `receipts/YYYY-MM.jsonl` (0600).
 * The log's line of the approval holds the SHA-256 of the receipt's line, so that the chain covers it.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { sha256Base64url } from "../crypto/digest.ts";
import { makePrivateFolder } from "../util/private-folder.ts";
import type { Receipt, Receipts } from "./port.ts";

export const receiptsFolder = (auditFolder: string): string => join(auditFolder, "receipts");

/** What the log holds of a receipt: SHA-256 of its line without the line's end, base64url. */
export const receiptDigest = (line: string): string => sha256Base64url(line);

export class ReceiptBook implements Receipts {
  readonly #folder: string;
  readonly #log: { error(event: string, facts: object): void };

  constructor(auditFolder: string, log: { error(event: string, facts: object): void }) {
    this.#folder = receiptsFolder(auditFolder);
    this.#log = log;
  }

  keep(receipt: Receipt): string {
    const line = JSON.stringify(receipt);
    const month = new Date(receipt.acceptedAtMs).toISOString().slice(0, 7);
    try {
      makePrivateFolder(this.#folder);
      append(join(this.#folder, `${month}.jsonl`), `${line}\n`);
    } catch (error) {
      this.#log.error("receipt_failed", { error });
      throw error;
    }
    return receiptDigest(line);
  }
}

/** The line is on the disk when this returns; when it throws, the file is as it was. */
function append(path: string, line: string): void {
  const file = openSync(path, "a+", 0o600);
  const { size } = fstatSync(file);
  try {
    // a host that was killed while it wrote has left a line without its end
    const text = Buffer.from(endsWithLine(file, size) ? line : `\n${line}`);
    let written = 0;
    while (written < text.length) written += writeSync(file, text, written);
    fsyncSync(file);
  } catch (error) {
    ftruncateSync(file, size);
    throw error;
  } finally {
    closeSync(file);
  }
}

function endsWithLine(file: number, size: number): boolean {
  if (size === 0) return true;
  const last = Buffer.alloc(1);
  readSync(file, last, 0, 1, size - 1);
  return last.toString() === "\n";
}
