/**
 * The one road from what happens to who is told. Frames are built once; entries keep the order in
 * which they were published, over all threads; neighbours with the same audience go out as one
 * buffer; every outlet is written once per tick, at its end.
 */
import type { z } from "zod";
import type { NotificationSpec } from "../protocol/define.ts";
import type { RequestId } from "../protocol/ids.ts";
import { ThreadId } from "../protocol/ids.ts";
import { isRecord } from "../util/is-record.ts";
import type { Role } from "../protocol/principal.ts";
import { serverRequestResolved } from "../protocol/notifications.ts";
import { notificationFrame } from "./notification-frame.ts";
import type { Outlet, Publisher, Resolution, Subscriptions } from "./port.ts";
import type { TextStream } from "./text-stream.ts";

type Mark =
  | { readonly kind: "state"; readonly role?: Role }
  | { readonly kind: "delta"; readonly stream: TextStream; readonly offset: number }
  | { readonly kind: "ask"; readonly requestId: RequestId; readonly role: Role }
  | { readonly kind: "resolved"; readonly requestId: RequestId };

interface Entry {
  readonly frame: Buffer;
  /** What it is about, where that is one thread. */
  readonly threadId: ThreadId | undefined;
  readonly method: string;
  readonly mark: Mark;
}

interface Run {
  readonly audience: ReadonlySet<Outlet>;
  readonly entries: Entry[];
  bytes: number;
  /** True when an entry is not for everybody in the audience, or must be noted by each. */
  picky: boolean;
}

const state: Mark = { kind: "state" };
const nobody: ReadonlySet<Outlet> = new Set();

export class EventHub implements Publisher, Subscriptions {
  readonly #all = new Set<Outlet>();
  readonly #threads = new Map<ThreadId, Set<Outlet>>();
  readonly #touched = new Set<Outlet>();
  #runs: Run[] = [];
  #scheduled = false;
  #tickMs = 0;

  publish<P extends z.ZodType>(spec: NotificationSpec<string, P>, params: z.input<P>): void {
    const audience = spec.audience === "all" ? this.#all : this.#audienceOf(params);
    if (audience.size === 0) return;
    this.#add(audience, {
      frame: notificationFrame(spec.name, params, this.#now()),
      threadId: threadIdOf(params),
      method: spec.name,
      mark: spec.role === undefined ? state : { kind: "state", role: spec.role },
    });
  }

  delta(stream: TextStream, escaped: Buffer): void {
    const { offset } = stream;
    const frame = stream.append(escaped, this.#now());
    const audience = this.#threads.get(stream.threadId) ?? nobody;
    if (audience.size === 0) return;
    const { threadId, method } = stream;
    this.#add(audience, { frame, threadId, method, mark: { kind: "delta", stream, offset } });
  }

  ask(threadId: ThreadId, requestId: RequestId, frame: Buffer, role: Role): void {
    const audience = this.#threads.get(threadId) ?? nobody;
    if (audience.size > 0)
      this.#add(audience, { frame, threadId, method: "", mark: { kind: "ask", requestId, role } });
  }

  resolved(threadId: ThreadId, requestId: RequestId, how: Resolution = {}): void {
    const { told = true, answer } = how;
    const audience = this.#threads.get(threadId) ?? nobody;
    if (audience.size === 0) return;
    const { name } = serverRequestResolved;
    this.#add(audience, {
      frame: told
        ? notificationFrame(name, { threadId, requestId, answer }, this.#now())
        : Buffer.alloc(0),
      threadId,
      method: name,
      mark: { kind: "resolved", requestId },
    });
  }

  join(outlet: Outlet): void {
    this.deliver();
    this.#all.add(outlet);
  }

  leave(outlet: Outlet): void {
    this.deliver();
    this.#all.delete(outlet);
    this.#touched.delete(outlet);
    for (const [threadId, outlets] of this.#threads) {
      if (outlets.delete(outlet) && outlets.size === 0) this.#threads.delete(threadId);
    }
  }

  subscribe(threadId: ThreadId, outlet: Outlet): void {
    this.deliver();
    const outlets = this.#threads.get(threadId);
    if (outlets) outlets.add(outlet);
    else this.#threads.set(threadId, new Set([outlet]));
  }

  unsubscribe(threadId: ThreadId, outlet: Outlet): boolean {
    this.deliver();
    const outlets = this.#threads.get(threadId);
    if (!outlets?.delete(outlet)) return false;
    if (outlets.size === 0) this.#threads.delete(threadId);
    return true;
  }

  deliver(): void {
    if (this.#runs.length === 0) return;
    const runs = this.#runs;
    this.#runs = [];
    for (const run of runs) this.#deliverRun(run);
  }

  touch(outlet: Outlet): void {
    this.#touched.add(outlet);
    this.#schedule();
  }

  #deliverRun({ audience, entries, bytes, picky }: Run): void {
    let whole: Buffer | undefined;
    for (const outlet of audience) {
      this.#touched.add(outlet);
      if (!picky && outlet.takesAll && !outlet.lagging) {
        whole ??= joined(entries, bytes);
        outlet.push(whole);
      } else {
        for (const entry of entries) deliverEntry(outlet, entry);
      }
    }
  }

  #add(audience: ReadonlySet<Outlet>, entry: Entry): void {
    const last = this.#runs.at(-1);
    const { mark } = entry;
    const picky =
      mark.kind === "ask" ||
      mark.kind === "resolved" ||
      (mark.kind === "state" && mark.role !== undefined);
    if (last?.audience === audience) {
      last.entries.push(entry);
      last.bytes += entry.frame.length;
      last.picky ||= picky;
    } else {
      this.#runs.push({ audience, entries: [entry], bytes: entry.frame.length, picky });
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#endTick);
  }

  readonly #endTick = (): void => {
    this.#scheduled = false;
    this.#tickMs = 0;
    this.deliver();
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const outlet of touched) outlet.flush();
  };

  /** One reading of the clock per tick. */
  #now(): number {
    this.#tickMs ||= Date.now();
    this.#schedule();
    return this.#tickMs;
  }

  #audienceOf(params: unknown): ReadonlySet<Outlet> {
    const threadId = threadIdOf(params);
    return (threadId && this.#threads.get(threadId)) || nobody;
  }
}

function deliverEntry(outlet: Outlet, { frame, threadId, method, mark }: Entry): void {
  if (threadId !== undefined && outlet.sees?.(threadId) === false) return;
  if (mark.kind === "ask") {
    if (!outlet.mayAnswer(mark.role)) return;
    outlet.asked(mark.requestId);
    outlet.push(frame);
    return;
  }
  if (mark.kind === "state" && mark.role !== undefined && !outlet.mayAnswer(mark.role)) return;
  if (mark.kind === "resolved") outlet.resolved(mark.requestId);
  if (frame.length === 0 || !outlet.wants(method)) return;
  if (mark.kind === "delta" && outlet.lagging) outlet.missed(mark.stream, mark.offset);
  else outlet.push(frame);
}

const joined = (entries: readonly Entry[], bytes: number): Buffer => {
  const [only, second] = entries;
  return only && !second
    ? only.frame
    : Buffer.concat(
        entries.map(({ frame }) => frame),
        bytes,
      );
};

/** `thread/started` names it in `thread.id`. */
const threadIdOf = (params: unknown): ThreadId | undefined => {
  if (hasThreadId(params)) return params.threadId;
  return isRecord(params) && isRecord(params["thread"])
    ? ThreadId.safeParse(params["thread"]["id"]).data
    : undefined;
};

const hasThreadId = (params: unknown): params is { readonly threadId: ThreadId } =>
  typeof params === "object" &&
  params !== null &&
  "threadId" in params &&
  typeof params.threadId === "string";
