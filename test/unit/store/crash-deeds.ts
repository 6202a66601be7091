/** What the process that gets killed does, and what must be true of it afterwards. */
import type { ThreadId } from "../../../src/protocol/ids.ts";

export type Deed =
  | { readonly kind: "append"; readonly id: ThreadId; readonly text: string }
  | { readonly kind: "rename"; readonly id: ThreadId; readonly name: string }
  | { readonly kind: "archive"; readonly id: ThreadId; readonly archived: boolean }
  | { readonly kind: "reopen"; readonly id: ThreadId }
  | { readonly kind: "fork"; readonly id: ThreadId; readonly fork: ThreadId };

/** A thread as far as its writer was told, and what may be true instead because it was under way. */
export interface Expected {
  texts: string[];
  maybeText: string | undefined;
  names: (string | null)[];
  archived: boolean[];
  /** Whether the thread itself may be missing. */
  maybe: boolean;
}

export type Threads = Map<ThreadId, Expected>;

const fresh = (texts: readonly string[], maybe: boolean): Expected => ({
  texts: [...texts],
  maybeText: undefined,
  names: [null],
  archived: [false],
  maybe,
});

/** Notes what was begun, or done. */
export function note(threads: Threads, deed: Deed, done: boolean): void {
  const known = threads.get(deed.id) ?? fresh([], true);
  threads.set(deed.id, known);
  switch (deed.kind) {
    case "append":
      known.maybeText = done ? undefined : deed.text;
      if (done) known.texts.push(deed.text);
      known.maybe &&= !done;
      return;
    case "rename":
      known.names = done ? [deed.name] : [...known.names, deed.name];
      return;
    case "archive":
      known.archived = done ? [deed.archived] : [!deed.archived, deed.archived];
      return;
    case "fork":
      threads.set(deed.fork, fresh(known.texts, !done));
      return;
    case "reopen":
      return;
    default:
      throw new Error("no such deed");
  }
}
