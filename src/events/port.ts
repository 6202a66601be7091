/** How what happens in threads reaches connections. */
import type { z } from "zod";
import type { NotificationSpec } from "../protocol/define.ts";
import type { RequestId, ThreadId } from "../protocol/ids.ts";
import type { CountedAnswer } from "../protocol/request-notifications.ts";
import type { Role } from "../protocol/principal.ts";
import type { GapReason } from "../protocol/stream.ts";
import type { TextStream } from "./text-stream.ts";

/** A piece of a stream's text, from one offset to another; `seq` is its number in the thread's events. */
export interface Delta {
  readonly stream: TextStream;
  readonly from: number;
  readonly to: number;
  readonly seq: number;
}

/**
 * One connection's end of the fan-out. Frames come in the order in which things happened,
 * over all threads; the outlet writes what it gathered once per tick.
 */
export interface Outlet {
  /** True: takes every frame as it is, so that many frames may come as one buffer. */
  readonly takesAll: boolean;
  /** Whether it wants notifications of this method. */
  wants(method: string): boolean;
  /** Whether its role is at least this one: it may answer such a server request, and gets such notifications. */
  mayAnswer(role: Role): boolean;
  /** Whether it is told what happens in this thread. Absent: everything is. */
  readonly sees?: (threadId: ThreadId) => boolean;
  /** True while it reads too slowly for deltas. */
  readonly lagging: boolean;
  /** Adds complete frames. */
  push(frames: Buffer): void;
  /** A complete frame for when it has caught up, behind what it was given to hold before. */
  hold(frame: Buffer, threadId: ThreadId | undefined): void;
  /** The same of a delta, which need not stay apart from its neighbours. */
  missed(delta: Delta): void;
  /** A server request was pushed to it: it may answer it. */
  asked(requestId: RequestId): void;
  /** The server request no longer waits. */
  resolved(requestId: RequestId): void;
  /** Writes what was pushed in this tick. */
  flush(): void;
}

export interface Resolution {
  /** False leaves `serverRequest/resolved` out. */
  readonly told?: boolean;
  /** Absent: nobody answered. */
  readonly answer?: CountedAnswer;
}

/** A place in the events of a thread: `seq` is the newest one before it. */
export interface StreamPosition {
  readonly epoch: string;
  readonly seq: number;
}

/** What somebody can be given who has everything up to a place. */
export type Outlook =
  | { readonly kind: "replay"; readonly events: number; readonly bytes: number }
  | { readonly kind: "gap"; readonly reason: GapReason };

/** What was among the events that were given once more. */
export interface Replayed {
  /** Server requests that were put to the outlet. */
  readonly asked: ReadonlySet<RequestId>;
  /** Server requests whose end was told. */
  readonly resolved: ReadonlySet<RequestId>;
}

/** What publishers see. All calls are synchronous; nothing is sent before the end of the tick. */
export interface Publisher {
  /** To the audience that the declaration names; `thread` notifications go by `params.threadId`. */
  publish<P extends z.ZodType>(spec: NotificationSpec<string, P>, params: z.input<P>): void;
  /** A piece of text of a stream; `escaped` is the body of a JSON string. */
  delta(stream: TextStream, escaped: Buffer): void;
  /** A server request to the subscribers whose role is at least `role`. */
  ask(threadId: ThreadId, requestId: RequestId, frame: Buffer, role: Role): void;
  /** That a server request no longer waits. */
  resolved(threadId: ThreadId, requestId: RequestId, how?: Resolution): void;
  /** Where the thread's events are now. */
  position(threadId: ThreadId): StreamPosition;
  /** Whether somebody gets what happens in the thread. */
  isWatched(threadId: ThreadId): boolean;
  /** The thread is gone, for good or out of memory: nothing of it is kept. */
  forget(threadId: ThreadId): void;
}

/** What sessions see. */
export interface Subscriptions {
  /** From now on the outlet gets what is for all initialised connections. */
  join(outlet: Outlet): void;
  /** Ends everything for this outlet. */
  leave(outlet: Outlet): void;
  /** Where the thread's events are now. */
  position(threadId: ThreadId): StreamPosition;
  /** Whether the events behind `since` are still here. */
  outlook(threadId: ThreadId, since: StreamPosition): Outlook;
  /**
   * In one step: the outlet gets everything behind `since`, and from now on what comes. Undefined where
   * the first is not possible; then nothing has changed.
   */
  follow(threadId: ThreadId, outlet: Outlet, since: StreamPosition): Replayed | undefined;
  unsubscribe(threadId: ThreadId, outlet: Outlet): boolean;
  /** Everything published so far goes to the outlets now, so that what is pushed next comes after it. */
  deliver(): void;
  /** The outlet has something to write at the end of this tick. */
  touch(outlet: Outlet): void;
}
