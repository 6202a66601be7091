import type { RequestId, ThreadId } from "../protocol/ids.ts";
import { admits } from "./entry.ts";
import type { Outlet, Replayed } from "./port.ts";
import type { LoggedFrame, ThreadLog } from "./thread-log.ts";

/** Pushes everything behind `seq` to the outlet, as it would have got it live. */
export function replay(log: ThreadLog, threadId: ThreadId, seq: number, outlet: Outlet): Replayed {
  const asked = new Set<RequestId>();
  const resolved = new Set<RequestId>();
  if (outlet.sees?.(threadId) === false) return { asked, resolved };
  const span = new Span(outlet);
  for (const logged of log.after(seq)) {
    const { mark } = logged;
    if (mark?.kind === "resolved") resolved.add(mark.requestId);
    if (!isFor(outlet, logged)) continue;
    if (mark?.kind === "ask") asked.add(mark.requestId);
    span.add(logged);
  }
  span.push();
  return { asked, resolved };
}

function isFor(outlet: Outlet, logged: LoggedFrame): boolean {
  const { mark } = logged;
  if (mark !== undefined && !admits(outlet, mark)) return false;
  if (mark?.kind === "ask" || (mark === undefined && outlet.takesAll)) return true;
  return outlet.wants(methodOf(logged));
}

/** Neighbours in memory, which go out as one buffer. */
class Span {
  readonly #outlet: Outlet;
  #memory: Buffer | undefined;
  #start = 0;
  #end = 0;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  add({ memory, start, end }: LoggedFrame): void {
    if (memory !== this.#memory || start !== this.#end) {
      this.push();
      this.#memory = memory;
      this.#start = start;
    }
    this.#end = end;
  }

  push(): void {
    if (this.#memory) this.#outlet.push(this.#memory.subarray(this.#start, this.#end));
    this.#memory = undefined;
  }
}

const beforeName = Buffer.from('{"method":"');
const quote = '"'.charCodeAt(0);

/** Every frame of a thread begins with its method's name. */
function methodOf({ memory, start }: LoggedFrame): string {
  const from = memory.indexOf(beforeName, start) + beforeName.length;
  return memory.toString("latin1", from, memory.indexOf(quote, from));
}
