/** Errors of the operating system as clients hear of them: in the stock server's words, which are those of musl. */
import { RpcError } from "../protocol/errors.ts";

const words: Readonly<Record<string, string>> = {
  EPERM: "Operation not permitted (os error 1)",
  ENOENT: "No such file or directory (os error 2)",
  EACCES: "Permission denied (os error 13)",
  EBUSY: "Resource busy (os error 16)",
  EEXIST: "File exists (os error 17)",
  EXDEV: "Cross-device link (os error 18)",
  ENOTDIR: "Not a directory (os error 20)",
  EISDIR: "Is a directory (os error 21)",
  EINVAL: "Invalid argument (os error 22)",
  ENFILE: "Too many open files in system (os error 23)",
  EMFILE: "No file descriptors available (os error 24)",
  ETXTBSY: "Text file busy (os error 26)",
  EFBIG: "File too large (os error 27)",
  ENOSPC: "No space left on device (os error 28)",
  EROFS: "Read-only file system (os error 30)",
  ENAMETOOLONG: "Filename too long (os error 36)",
  ENOTEMPTY: "Directory not empty (os error 39)",
  ELOOP: "Symbolic link loop (os error 40)",
  EDQUOT: "Quota exceeded (os error 122)",
};

export function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** The refusal for a code that was not the system's own, but would have been. */
export const systemError = (code: string, cause?: unknown): RpcError =>
  new RpcError("internal", words[code] ?? `the system refused it (${code})`, { cause });

/** Runs the work; what the system says against it is told to the client. */
export async function toldBySystem<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RpcError || !(error instanceof Error && "code" in error)) throw error;
    throw systemError(String(error.code), error);
  }
}
