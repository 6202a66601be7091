/** The log on disk: one JSON object a line, each with the SHA-256 of the line before it. */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { sha256Base64url } from "../crypto/digest.ts";
import { isRecord } from "../util/is-record.ts";
import { makePrivateFolder } from "../util/private-folder.ts";
import type { Audit, AuditEntry } from "./port.ts";

export interface AuditLog extends Audit {
  /** Writes what waits. */
  close(): void;
}

interface AuditLogOptions {
  readonly folder: string;
  /** The clock, in Unix milliseconds. */
  readonly nowMs?: () => number;
  readonly log: { error(event: string, facts: object): void };
}

/** What `prev` of the very first line holds. */
const noLine = "A".repeat(43);
const maxTextChars = 200;

export function openAuditLog(options: AuditLogOptions): AuditLog {
  makePrivateFolder(options.folder);
  return new JsonlAudit(options);
}

class JsonlAudit implements AuditLog {
  readonly #fd: number;
  readonly #nowMs: () => number;
  readonly #log: AuditLogOptions["log"];
  #sequence = 0;
  #prev = noLine;
  #waiting: { readonly timeMs: number; readonly entry: AuditEntry }[] = [];

  constructor({ folder, nowMs, log }: AuditLogOptions) {
    this.#nowMs = nowMs ?? Date.now;
    this.#log = log;
    const last = readdirSync(folder)
      .filter((name) => name.endsWith(".jsonl"))
      .toSorted()
      .at(-1);
    const file = join(folder, last ?? "000000000001.jsonl");
    if (existsSync(file)) this.#goOn(readFileSync(file, "utf8"));
    this.#fd = openSync(file, "a", 0o600);
  }

  add(entry: AuditEntry): void {
    if (this.#waiting.push({ timeMs: this.#nowMs(), entry }) === 1)
      setImmediate(() => this.#flush());
  }

  close(): void {
    this.#flush();
    closeSync(this.#fd);
  }

  #flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    let text = "";
    for (const { timeMs, entry } of waiting) {
      const { act, outcome, code, who, address, about } = entry;
      const line = JSON.stringify(
        {
          sequence: ++this.#sequence,
          timeMs,
          act,
          outcome,
          code,
          who,
          address,
          about,
          prev: this.#prev,
        },
        cleaned,
      );
      this.#prev = sha256Base64url(line);
      text += `${line}\n`;
    }
    try {
      writeSync(this.#fd, text);
    } catch (error) {
      this.#log.error("audit_failed", { error });
    }
  }

  #goOn(text: string): void {
    const line = text.trimEnd().split("\n").at(-1) ?? "";
    if (line === "") return;
    const value: unknown = JSON.parse(line);
    if (isRecord(value)) this.#sequence = Number(value["sequence"]);
    this.#prev = sha256Base64url(line);
  }
}

/** Names and addresses come from outside. */
const cleaned = (_member: string, value: unknown): unknown =>
  typeof value === "string"
    ? value.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "").slice(0, maxTextChars)
    : value;
