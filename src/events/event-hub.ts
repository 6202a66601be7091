/**
 * The one road from what happens to who is told. Frames are built once; entries keep the order in
 * which they were published, over all threads; neighbours with the same audience go out as one
 * buffer; every outlet is written once per tick, at its end. What is of one thread is numbered and
 * kept for a while, so that who was away can be given what it missed.
 */
import type { z } from "zod";
import type { NotificationSpec } from "../protocol/define.ts";
import type { RequestId } from "../protocol/ids.ts";
import { ThreadId } from "../protocol/ids.ts";
import { serverRequestResolved } from "../protocol/request-notifications.ts";
import type { Role } from "../protocol/principal.ts";
import { isRecord } from "../util/is-record.ts";
import type { Entry, Mark } from "./entry.ts";
import { EventRuns } from "./event-runs.ts";
import { loggedFrame, notificationFrame, numberedFrame } from "./notification-frame.ts";
import type {
  Outlet,
  Outlook,
  Publisher,
  Replayed,
  Resolution,
  StreamPosition,
  Subscriptions,
} from "./port.ts";
import { replay } from "./replay.ts";
import type { TextStream } from "./text-stream.ts";
import type { Retention } from "./thread-logs.ts";
import { ThreadLogs, defaultRetention } from "./thread-logs.ts";

const nobody: ReadonlySet<Outlet> = new Set();

export class EventHub implements Publisher, Subscriptions {
  readonly #all = new Set<Outlet>();
  readonly #threads = new Map<ThreadId, Set<Outlet>>();
  readonly #touched = new Set<Outlet>();
  readonly #logs: ThreadLogs;
  readonly #runs = new EventRuns(this.#touched);
  #scheduled = false;
  #tickMs = 0;

  constructor(retention: Retention = defaultRetention) {
    this.#logs = new ThreadLogs(retention);
  }

  publish<P extends z.ZodType>(spec: NotificationSpec<string, P>, params: z.input<P>): void {
    const threadId = threadIdOf(params);
    const mark: Mark | undefined = spec.role && { kind: "state", role: spec.role };
    const nowMs = this.#now();
    const rest = { threadId, method: spec.name, mark };
    const watching = this.#watching(threadId);
    // What some of those who watch the thread are not told is none of its events: its number would be a hole to them.
    const isEvent = threadId !== undefined && spec.role === undefined;
    if (spec.audience === "all" && this.#all.size > 0) {
      // A number says "everything up to here", which holds for those alone who watch the thread.
      const frame = notificationFrame(spec.name, params, nowMs);
      this.#add(this.#all, { ...rest, frame }, isEvent ? watching : nobody);
    }
    if (!isEvent) return;
    const frame = loggedFrame(this.#logs.of(threadId), spec.name, params, { nowMs, mark });
    this.#add(watching, { ...rest, frame });
  }

  delta(stream: TextStream, escaped: Buffer): void {
    const { offset: from, threadId, method } = stream;
    const log = this.#logs.of(threadId);
    const frame = stream.append(escaped, this.#now(), log);
    const watching = this.#watching(threadId);
    if (watching.size === 0) return;
    const delta = { stream, from, to: stream.offset, seq: log.head };
    this.#add(watching, { frame, threadId, method, mark: undefined, delta });
  }

  ask(threadId: ThreadId, requestId: RequestId, frame: Buffer, role: Role): void {
    const mark: Mark = { kind: "ask", requestId, role };
    const numbered = numberedFrame(this.#logs.of(threadId), frame, { nowMs: this.#now(), mark });
    this.#add(this.#watching(threadId), { frame: numbered, threadId, method: "", mark });
  }

  resolved(threadId: ThreadId, requestId: RequestId, how: Resolution = {}): void {
    const { told = true, answer } = how;
    const { name: method } = serverRequestResolved;
    const mark: Mark = { kind: "resolved", requestId };
    const log = this.#logs.of(threadId);
    if (!told) log.withhold(requestId);
    const frame = told
      ? loggedFrame(log, method, { threadId, requestId, answer }, { nowMs: this.#now(), mark })
      : Buffer.alloc(0);
    this.#add(this.#watching(threadId), { frame, threadId, method, mark });
  }

  position(threadId: ThreadId): StreamPosition {
    const { epoch, head } = this.#logs.of(threadId);
    return { epoch, seq: head };
  }

  isWatched(threadId: ThreadId): boolean {
    return this.#watching(threadId).size > 0;
  }

  forget(threadId: ThreadId): void {
    this.#logs.forget(threadId);
  }

  outlook(threadId: ThreadId, since: StreamPosition): Outlook {
    return this.#logs.outlook(threadId, since);
  }

  follow(threadId: ThreadId, outlet: Outlet, since: StreamPosition): Replayed | undefined {
    this.deliver();
    if (this.#logs.outlook(threadId, since).kind === "gap") return undefined;
    const outlets = this.#threads.get(threadId);
    if (outlets) outlets.add(outlet);
    else this.#threads.set(threadId, new Set([outlet]));
    const replayed = replay(this.#logs.of(threadId), threadId, since.seq, outlet);
    this.touch(outlet);
    return replayed;
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

  unsubscribe(threadId: ThreadId, outlet: Outlet): boolean {
    this.deliver();
    const outlets = this.#threads.get(threadId);
    if (!outlets?.delete(outlet)) return false;
    if (outlets.size === 0) this.#threads.delete(threadId);
    return true;
  }

  deliver(): void {
    this.#runs.deliver();
  }

  touch(outlet: Outlet): void {
    this.#touched.add(outlet);
    this.#schedule();
  }

  /** Gives up what is kept. */
  close(): void {
    this.#logs.close();
  }

  #add(audience: ReadonlySet<Outlet>, entry: Entry, except?: ReadonlySet<Outlet>): void {
    if (audience.size === 0) return;
    this.#runs.add(audience, entry, except);
    this.#schedule();
  }

  #watching(threadId: ThreadId | undefined): ReadonlySet<Outlet> {
    return (threadId && this.#threads.get(threadId)) || nobody;
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
}

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
