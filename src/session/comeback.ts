/** How a connection gets to where a thread's events are, and is told what waits there. */
import type { Owed } from "../dispatch/context.ts";
import { notificationFrame } from "../events/notification-frame.ts";
import type { Outlook, Replayed, StreamPosition, Subscriptions } from "../events/port.ts";
import type { RequestId, ThreadId } from "../protocol/ids.ts";
import { serverRequestResolved } from "../protocol/request-notifications.ts";
import { threadTokenUsageUpdated } from "../protocol/turn-notifications.ts";
import type { GapReason, Since, ThreadPlace, ThreadStream } from "../protocol/stream.ts";
import type { CatchUpFrame, WatchedThreads } from "../threads/connections-port.ts";
import type { Outbox } from "./outbox.ts";

/** After these the ids that a client knows are of another run of the host, which gives them to other requests. */
const otherRun: ReadonlySet<GapReason | undefined> = new Set(["restarted", "unknownEpoch"]);

interface Ports {
  readonly hub: Subscriptions;
  readonly threads: Pick<WatchedThreads, "catchUp" | "isLoaded">;
}

export class Comeback {
  readonly #hub: Subscriptions;
  readonly #threads: Ports["threads"];
  readonly #outbox: Outbox;
  /** Bytes of the replays that were promised and are still to come. */
  #promisedBytes = 0;

  constructor(ports: Ports, outbox: Outbox) {
    this.#hub = ports.hub;
    this.#threads = ports.threads;
    this.#outbox = outbox;
  }

  /** What to answer somebody who has everything up to `since`, where the answer shows the thread as it is `at`. */
  streamFrom(threadId: ThreadId, at: StreamPosition, since: Since | undefined): ThreadStream {
    if (since === undefined) return { ...at, outcome: "snapshot" };
    const outlook = this.#outlook(threadId, since);
    if (outlook.kind === "gap") return { ...at, outcome: "gap", reason: outlook.reason };
    const { epoch, seq } = since;
    const replayed = outlook.events;
    return { epoch, seq: seq + replayed, outcome: "replayed", replayed };
  }

  /** Of threads that are in memory, within the connection's scope; all others are alike. */
  streamsFrom(places: readonly ThreadPlace[]): readonly ThreadStream[] {
    return places.map(({ threadId, since }) => {
      return this.#threads.isLoaded(threadId) && this.#sees(threadId)
        ? this.streamFrom(threadId, this.#hub.position(threadId), since)
        : { epoch: "", seq: 0, outcome: "gap", reason: "notLoaded" };
    });
  }

  /** False where events that belong behind the answer are not kept any more: the connection cannot go on. */
  follow(
    threadId: ThreadId,
    stream: ThreadStream,
    since: Since | undefined,
    what: Owed = "all",
  ): boolean {
    const isReplay = stream.outcome === "replayed" && since !== undefined;
    const { epoch, seq } = isReplay ? since : stream;
    // What is held back of the thread is either in the answer or among what comes now.
    this.#hub.deliver();
    this.#outbox.forget(threadId);
    const replayed = this.#hub.follow(threadId, this.#outbox, { epoch, seq });
    if (!replayed) return false;
    const all = this.#sees(threadId) ? this.#threads.catchUp(threadId) : [];
    const owed = all.filter((frame) => isOwed(frame, what));
    const waiting = otherRun.has(stream.reason) ? [] : owed.map(({ ask }) => ask?.requestId);
    const known = new Set([...waiting, ...replayed.resolved]);
    for (const requestId of since?.requestIds ?? []) {
      if (!known.has(requestId)) this.#tellResolved(threadId, requestId);
    }
    for (const frame of owed) {
      if (!isReplay || isOwedAfter(replayed, frame)) this.#show(frame);
    }
    return true;
  }

  #sees(threadId: ThreadId): boolean {
    return this.#outbox.sees?.(threadId) ?? true;
  }

  #outlook(threadId: ThreadId, since: Since): Outlook {
    const outlook = this.#hub.outlook(threadId, since);
    if (outlook.kind === "gap") return outlook;
    const promisedBytes = this.#promisedBytes + outlook.bytes;
    if (!this.#outbox.hasRoomFor(promisedBytes)) return { kind: "gap", reason: "tooMuch" };
    this.#promisedBytes = promisedBytes;
    return outlook;
  }

  #tellResolved(threadId: ThreadId, requestId: RequestId): void {
    const { name } = serverRequestResolved;
    this.#outbox.resolved(requestId);
    if (!this.#outbox.wants(name)) return;
    this.#outbox.send(notificationFrame(name, { threadId, requestId }, Date.now()));
  }

  #show({ frame, method, ask }: CatchUpFrame): void {
    if (ask !== undefined) {
      if (!this.#outbox.mayAnswer(ask.role)) return;
      this.#outbox.asked(ask.requestId);
    } else if (!this.#outbox.wants(method)) {
      return;
    }
    this.#outbox.send(frame);
  }
}

const isOwed = ({ ask, method }: CatchUpFrame, what: Owed): boolean =>
  what === "all" ||
  ask !== undefined ||
  (what === "state" && method !== threadTokenUsageUpdated.name);

/** The events say all but what was asked before them, and what a question says today if it has changed. */
const isOwedAfter = ({ asked }: Replayed, { ask }: CatchUpFrame): boolean =>
  ask !== undefined && (!asked.has(ask.requestId) || ask.changed);
