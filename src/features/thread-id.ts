import { RpcError, invalidRequest } from "../protocol/errors.ts";
import { ThreadId } from "../protocol/ids.ts";
import type { Threads } from "../threads/port.ts";

const groups = [8, 4, 4, 4, 12];

/**
 * A thread id that is a UUID, in the form in which threads are kept. `what` names it in the refusal,
 * whose text clients compare.
 */
export function parseThreadId(text: string, what = "thread"): ThreadId {
  const reason = idFault(text);
  if (reason) throw invalidRequest(`invalid ${what} id: ${reason}`);
  return canonical(text);
}

/** The id of a thread in memory, for methods that say so before anything else is wrong. */
export function loadedThreadId(threads: Pick<Threads, "isLoaded">, text: string): ThreadId {
  const id = parseThreadId(text);
  if (!threads.isLoaded(id)) throw invalidRequest(`thread not found: ${id}`);
  return id;
}

/** The same for methods that call a wrong id a wrong parameter (code -32602). */
export function parseThreadIdParam(text: string, what = "thread"): ThreadId {
  const reason = idFault(text);
  if (reason) throw new RpcError("invalidParams", `invalid ${what} id: ${reason}`);
  return canonical(text);
}

function canonical(text: string): ThreadId {
  const hex = bare(text).replaceAll("-", "").toLowerCase();
  let at = 0;
  return ThreadId.parse(groups.map((size) => hex.slice(at, (at += size))).join("-"));
}

/** Calls that change one thread follow one another, however its id is spelled. */
export const threadOrder = ({ threadId }: { readonly threadId: string }): string =>
  `thread:${bare(threadId).replaceAll("-", "").toLowerCase()}`;

const bare = (text: string): string => (text.startsWith("urn:uuid:") ? text.slice(9) : text);

/** Why a text is no thread id, in the words that clients compare; undefined where it is one. */
export function idFault(text: string): string | undefined {
  const id = bare(text);
  const prefix = text.length - id.length;
  const bad = /[^0-9a-fA-F-]/u.exec(id);
  if (bad) {
    return `invalid character: expected an optional prefix of \`urn:uuid:\` followed by [0-9a-fA-F-], found \`${bad[0]}\` at ${prefix + bad.index + 1}`;
  }
  const parts = id.split("-");
  if (parts.length === 1) {
    return id.length === 32
      ? undefined
      : `invalid length: expected length 32 for simple format, found ${id.length}`;
  }
  if (parts.length !== groups.length) {
    return `invalid group count: expected 5, found ${parts.length}`;
  }
  const wrong = parts.findIndex((part, index) => part.length !== groups[index]);
  if (wrong < 0) return undefined;
  return `invalid group length in group ${wrong}: expected ${groups[wrong]}, found ${parts[wrong]?.length}`;
}
