import type { EventHub } from "../../src/events/event-hub.ts";
import type { Delta, Outlet } from "../../src/events/port.ts";
import type { RequestId, ThreadId } from "../../src/protocol/ids.ts";
import { approvalInboxChanged } from "../../src/protocol/request-notifications.ts";
import type { Role } from "../../src/protocol/principal.ts";
import { mayAct } from "../../src/protocol/principal.ts";
import type { Sent } from "./text-frames.ts";
import { sentIn } from "./text-frames.ts";

/** From now on the outlet gets what happens in the thread. */
export const watchFromNow = (hub: EventHub, threadId: ThreadId, outlet: Outlet): void =>
  void hub.follow(threadId, outlet, hub.position(threadId));

/** An outlet that keeps what it is given, with the calls in their order. */
export class RecordingOutlet implements Outlet {
  takesAll = true;
  role: Role = "admin";
  lagging = false;
  /** As one that did not ask for the inbox. */
  readonly optOut = new Set<string>([approvalInboxChanged.name]);
  readonly pushed: Buffer[] = [];
  readonly held: (Buffer | Delta)[] = [];
  readonly askedIds: RequestId[] = [];
  readonly resolvedIds: RequestId[] = [];
  /** How many buffers had been pushed at each flush. */
  readonly flushes: number[] = [];

  mayAnswer(role: Role): boolean {
    return mayAct(this.role, role);
  }

  wants(method: string): boolean {
    return !this.optOut.has(method);
  }

  push(frames: Buffer): void {
    this.pushed.push(frames);
  }

  hold(frame: Buffer): void {
    this.held.push(frame);
  }

  missed(delta: Delta): void {
    this.held.push(delta);
  }

  asked(requestId: RequestId): void {
    this.askedIds.push(requestId);
  }

  resolved(requestId: RequestId): void {
    this.resolvedIds.push(requestId);
  }

  flush(): void {
    this.flushes.push(this.pushed.length);
  }

  get sent(): readonly Sent[] {
    return sentIn(Buffer.concat(this.pushed));
  }

  get trace(): readonly string[] {
    return this.sent.map(({ method, id }) => method ?? `answer ${id}`);
  }
}
