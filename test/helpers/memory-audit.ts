import type { Audit, AuditEntry } from "../../src/audit/port.ts";

/** Keeps all entries. */
export class MemoryAudit implements Audit {
  readonly entries: AuditEntry[] = [];
  writable = true;

  add(entry: AuditEntry): void {
    this.entries.push(entry);
  }
}
