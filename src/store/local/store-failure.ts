/** Failures of the file system as the store's own errors, each with a sentence and a next step. */
import { StoreError } from "../port.ts";

export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;

/** `doing` completes "could not …". */
export function storeFailure(error: unknown, doing: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
    case "SQLITE_FULL":
      return new StoreError(
        "diskFull",
        `The disk is full: could not ${doing}. Free some space and try again.`,
        error,
      );
    case "EROFS":
    case "EACCES":
    case "EPERM":
    case "SQLITE_READONLY":
      return new StoreError(
        "readOnly",
        `Could not ${doing}: the folder is not writable (${code}). Make it writable for this user and try again.`,
        error,
      );
    case undefined:
    default:
      return new StoreError(
        "io",
        `Could not ${doing} (${code ?? "unknown error"}). Check the disk under the sessions folder and try again.`,
        error,
      );
  }
}
