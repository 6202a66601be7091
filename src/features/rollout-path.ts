/** A thread that is named by its id or by the path of its rollout. */
import type { ThreadId } from "../protocol/ids.ts";
import type { Threads } from "../threads/port.ts";
import { parseThreadId } from "./thread-id.ts";

interface Named {
  readonly threadId: string;
  /** Empty: as none. It counts more than the id, which then need not be one. */
  readonly path?: string | null | undefined;
}

/** Of a thread that is in memory `path` must be the path. Rejects with an `RpcError`. */
export async function resumedThread(threads: Threads, named: Named): Promise<ThreadId> {
  if (!named.path) return parseThreadId(named.threadId, "session");
  const id = knownId(named.threadId);
  return threads.idAt(named.path, id && threads.isLoaded(id) ? id : undefined);
}

/** Rejects with an `RpcError`. */
export async function forkedThread(threads: Threads, named: Named): Promise<ThreadId> {
  return named.path
    ? threads.idAt(named.path, undefined)
    : parseThreadId(named.threadId, "session");
}

function knownId(text: string): ThreadId | undefined {
  try {
    return parseThreadId(text, "session");
  } catch {
    return undefined;
  }
}
