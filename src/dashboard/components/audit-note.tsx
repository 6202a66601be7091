import { useDashboard } from "../host/store.ts";
import { CopyButton } from "./copy-button.tsx";

/** What this browser knows of the host's audit log: a small line, or an alarm when the log is not the same any more. */
export function AuditNote() {
  const { kept, fault } = useDashboard((state) => state.audit);
  if (kept === null) return null;
  return (
    <footer className="audit-note quiet-note">
      {fault === null ? (
        <span>Audit log seen up to line {kept.sequence}</span>
      ) : (
        <p role="alert">{fault}</p>
      )}
      <CopyButton text={JSON.stringify(kept)} label="Copy the head of the audit log" />
    </footer>
  );
}
