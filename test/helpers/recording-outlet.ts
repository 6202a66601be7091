import type { Outlet } from "../../src/events/port.ts";
import type { TextStream } from "../../src/events/text-stream.ts";
import type { RequestId } from "../../src/protocol/ids.ts";
import type { Role } from "../../src/protocol/principal.ts";
import { mayAct } from "../../src/protocol/principal.ts";
import type { Sent } from "./text-frames.ts";
import { sentIn } from "./text-frames.ts";

/** An outlet that keeps what it is given, with the calls in their order. */
export class RecordingOutlet implements Outlet {
  takesAll = true;
  role: Role = "admin";
  lagging = false;
  readonly optOut = new Set<string>();
  readonly pushed: Buffer[] = [];
  readonly missedFrom: { readonly stream: TextStream; readonly offset: number }[] = [];
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

  missed(stream: TextStream, offset: number): void {
    this.missedFrom.push({ stream, offset });
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
