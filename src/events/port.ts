/** How what happens in threads reaches connections. */
import type { z } from "zod";
import type { NotificationSpec } from "../protocol/define.ts";
import type { RequestId, ThreadId } from "../protocol/ids.ts";
import type { CountedAnswer } from "../protocol/notifications.ts";
import type { Role } from "../protocol/principal.ts";
import type { TextStream } from "./text-stream.ts";

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
  /** A delta that it did not get because it lags; `offset` is where in the stream it began. */
  missed(stream: TextStream, offset: number): void;
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
}

/** What sessions see. */
export interface Subscriptions {
  /** From now on the outlet gets what is for all initialised connections. */
  join(outlet: Outlet): void;
  /** Ends everything for this outlet. */
  leave(outlet: Outlet): void;
  subscribe(threadId: ThreadId, outlet: Outlet): void;
  unsubscribe(threadId: ThreadId, outlet: Outlet): boolean;
  /** Everything published so far goes to the outlets now, so that what is pushed next comes after it. */
  deliver(): void;
  /** The outlet has something to write at the end of this tick. */
  touch(outlet: Outlet): void;
}
