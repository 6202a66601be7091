/** The log of a running host: what waits is written once per tick, in lines chained by hash, with signed checkpoints. */
import { join } from "node:path";
import type { ClaimSigner } from "../crypto/signed-claims.ts";
import type { ChainEnd, LineSource, OwnAct } from "./audit-line.ts";
import { endOf, lineOf } from "./audit-line.ts";
import { loadAuditKey, publicJwk, signHead } from "./audit-heads.ts";
import { ChainFile } from "./chain-file.ts";
import { DeniedSums, sumMs } from "./denied-sums.ts";
import type { Audit, AuditEntry, AuditHead, AuditHeads } from "./port.ts";
import { by, hostActor } from "./port.ts";

export interface AuditLog extends Audit, AuditHeads {
  /** Writes what waits and a last checkpoint. */
  close(): Promise<void>;
}

export interface AuditLogOptions {
  /** The log is in its folder `audit`, and the signing key beside that. */
  readonly farhelmHome: string;
  /** The clock, in Unix milliseconds. */
  readonly nowMs?: () => number;
  readonly log: { error(event: string, facts: object): void };
  /** A file that has grown past this is followed by a new one. */
  readonly maxFileBytes?: number;
}

/** So many lines at most between two checkpoints. */
export const checkpointEvery = 1000;
const defaultMaxFileBytes = 8 * 1024 * 1024;
/** Entries that wait for a disk with room; about 300 bytes each. */
const maxWaiting = 10_000;
/** Written at once; what waits for room gets as far as the room goes. */
const batchLines = 500;
const retryMs = 1000;
/** How long a line may be in the system's cache alone. */
const syncAfterMs = 1000;

/** Rejects with an `Error` that says what to do. */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const folder = join(options.farhelmHome, "audit");
  const file = new ChainFile(folder);
  return new JsonlAudit(file, await loadAuditKey(options.farhelmHome, folder), options);
}

class JsonlAudit implements AuditLog {
  readonly #file: ChainFile;
  readonly #signer: ClaimSigner;
  readonly #nowMs: () => number;
  readonly #log: AuditLogOptions["log"];
  readonly #maxFileBytes: number;
  readonly #sums = new DeniedSums();
  #end: ChainEnd;
  #sinceCheckpoint = 0;
  #waiting: LineSource[] = [];
  #lost = 0;
  #failedAtMs: number | undefined;
  #closed = false;
  #tick: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  #sumTimer: NodeJS.Timeout | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  #lastHead: AuditHead | undefined;

  constructor(file: ChainFile, signer: ClaimSigner, options: AuditLogOptions) {
    this.#file = file;
    this.#signer = signer;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#log = options.log;
    this.#maxFileBytes = options.maxFileBytes ?? defaultMaxFileBytes;
    this.#end = file.found;
    this.#own("audit.checkpoint", { reason: "start" });
    if (file.tornBytes > 0) this.#own("audit.mended", { bytes: file.tornBytes });
    this.#flush();
  }

  get writable(): boolean {
    if (this.#failedAtMs !== undefined && this.#mayRetry()) this.#flush();
    return this.#failedAtMs === undefined;
  }

  add(entry: AuditEntry): void {
    if (this.#closed) return;
    const timeMs = this.#nowMs();
    if (entry.outcome !== "denied" || this.#sums.admits(entry, timeMs)) {
      this.#queue({ timeMs, entry });
    } else {
      this.#sumTimer ??= setTimeout(() => this.#writeSums(), sumMs).unref();
    }
  }

  async head(): Promise<AuditHead> {
    this.#flush();
    const end = this.#end;
    if (this.#lastHead?.sequence === end.sequence) return this.#lastHead;
    await this.#file.sync();
    const head = {
      ...end,
      head: signHead(this.#signer, end),
      publicKey: publicJwk(this.#signer.key),
    };
    this.#lastHead = head;
    return head;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#writeSums();
    this.#own("audit.checkpoint", { reason: "stop" });
    this.#closed = true;
    this.#flush();
    if (this.#waiting.length > 0) {
      this.#log.error("audit_lost", { lines: this.#waiting.length + this.#lost });
    }
    clearTimeout(this.#retry);
    clearTimeout(this.#syncTimer);
    clearImmediate(this.#tick);
    await this.#file.close();
  }

  #writeSums(): void {
    clearTimeout(this.#sumTimer);
    this.#sumTimer = undefined;
    const timeMs = this.#nowMs();
    for (const entry of this.#sums.take()) this.#queue({ timeMs, entry });
  }

  #own(act: OwnAct, about: NonNullable<AuditEntry["about"]>): void {
    const entry = { act, outcome: "done" as const, ...by(hostActor), about };
    this.#queue({ timeMs: this.#nowMs(), entry });
  }

  #queue(source: LineSource): void {
    if (this.#waiting.length >= maxWaiting) this.#lost += 1;
    else this.#waiting.push(source);
    if (this.#tick !== undefined || this.#failedAtMs !== undefined) return;
    this.#tick = setImmediate(() => this.#flush());
  }

  #flush(): void {
    clearImmediate(this.#tick);
    this.#tick = undefined;
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    let written = 0;
    try {
      for (; written < waiting.length; written += batchLines) {
        this.#write(waiting.slice(written, written + batchLines));
      }
    } catch (error) {
      this.#waiting = waiting.slice(written);
      this.#fail(error);
      return;
    }
    this.#waiting = [];
    this.#recovered();
    this.#syncTimer ??= setTimeout(() => this.#sync(), syncAfterMs).unref();
  }

  #write(sources: readonly LineSource[]): void {
    const { lines, end, sinceCheckpoint } = this.#linesOf(sources);
    this.#file.append(lines);
    this.#end = end;
    this.#sinceCheckpoint = sinceCheckpoint;
    if (this.#file.bytes >= this.#maxFileBytes && !this.#closed) this.#rotateIfPossible();
  }

  #linesOf(sources: readonly LineSource[]) {
    let end = this.#end;
    let sinceCheckpoint = this.#sinceCheckpoint;
    let lines = "";
    const put = (source: LineSource): void => {
      const isCheckpoint = source.entry.act === "audit.checkpoint";
      const line = lineOf(
        isCheckpoint ? { ...source, head: signHead(this.#signer, end) } : source,
        end,
      );
      end = endOf(line, end.sequence + 1);
      sinceCheckpoint = isCheckpoint ? 0 : sinceCheckpoint + 1;
      lines += `${line}\n`;
    };
    for (const source of sources) {
      if (sinceCheckpoint >= checkpointEvery) put(checkpoint("count", source.timeMs));
      put(source);
    }
    return { lines, end, sinceCheckpoint };
  }

  /** The old file ends with a checkpoint. When a new one cannot be made, the old one goes on. */
  #rotateIfPossible(): void {
    try {
      const { lines, end } = this.#linesOf([checkpoint("rotation", this.#nowMs())]);
      this.#file.append(lines);
      this.#end = end;
      this.#sinceCheckpoint = 0;
      this.#file.rotate(end.sequence + 1);
    } catch (error) {
      this.#log.error("audit_rotation_failed", { error });
    }
  }

  #fail(error: unknown): void {
    if (this.#failedAtMs === undefined) this.#log.error("audit_unwritable", { error });
    this.#failedAtMs = performance.now();
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#flush();
    }, retryMs).unref();
  }

  #recovered(): void {
    this.#failedAtMs = undefined;
    if (this.#lost === 0) return;
    const count = this.#lost;
    this.#lost = 0;
    this.#own("audit.lost", { count });
  }

  #mayRetry(): boolean {
    return performance.now() - (this.#failedAtMs ?? 0) >= retryMs;
  }

  #sync(): void {
    this.#syncTimer = undefined;
    this.#file.sync().catch((error: unknown) => this.#log.error("audit_sync_failed", { error }));
  }
}

const checkpoint = (reason: string, timeMs: number): LineSource => ({
  timeMs,
  entry: { act: "audit.checkpoint", outcome: "done", ...by(hostActor), about: { reason } },
});
