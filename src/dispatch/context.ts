import type { z } from "zod";
import type { Accounts, DeviceKeys } from "../accounts/port.ts";
import type { AuditHeads } from "../audit/port.ts";
import type { DeviceAdmin, PairingDesk } from "../auth/port.ts";
import type { ConfigEditor, ConfigReader } from "../config/port.ts";
import type { FileSearches, FileWatches, Files } from "../files/port.ts";
import type { HostPolicy } from "../protocol/host-policy.ts";
import type { Models } from "../model/port.ts";
import type { NotificationSpec } from "../protocol/define.ts";
import type { ThreadId } from "../protocol/ids.ts";
import type { Principal } from "../protocol/principal.ts";
import type { StreamPosition } from "../events/port.ts";
import type { Since, ThreadPlace, ThreadStream } from "../protocol/stream.ts";
import type { Threads } from "../threads/port.ts";
import type { WaitingRequest } from "../threads/connections-port.ts";
import type { ClientProcesses } from "../tools/port.ts";

/**
 * What one who comes is told besides the events: the token usage, the goal and the requests that wait; without the
 * usage (`state`); or the requests alone.
 */
export type Owed = "all" | "state" | "requests";

/** The calling connection, as far as a handler may touch it. */
export interface CallerSession {
  readonly initialized: boolean;
  readonly experimental: boolean;
  readonly clientName: string;
  /** Whether answers say where they leave it in the events of a thread. */
  readonly countsEvents: boolean;
  /** Takes the connection from `open` to `initialized`. */
  initialize(client: {
    readonly name: string;
    readonly version: string;
    readonly experimental: boolean;
    readonly optOut: readonly string[];
    /** Whether it wants a notification at every interval. */
    readonly heartbeat: boolean;
    /** Whether it counts the events of threads, to say later where it was. */
    readonly countsEvents: boolean;
  }): void;
  /**
   * Where an answer leaves the caller in a thread's events: `at` is the place of what the answer shows, `since` where the
   * caller says that it is. `follow`, once the answer is out, makes it true.
   */
  streamFrom(threadId: ThreadId, at: StreamPosition, since: Since | null | undefined): ThreadStream;
  /** The same for many at once, where the answer shows none of them: what cannot be replayed is to be resumed. */
  streamsFrom(places: readonly ThreadPlace[]): readonly ThreadStream[];
  /**
   * Once the answer is out: what happened behind its place, what waits for answers and what no longer does, and from now on
   * all that happens in the thread.
   */
  follow(
    threadId: ThreadId,
    stream: ThreadStream,
    since: Since | null | undefined,
    owed?: Owed,
  ): void;
  /** False when it was not subscribed. */
  unsubscribe(threadId: ThreadId): boolean;
  /** What waits, over all threads, for answers that the caller may give. From now on it may, and is told when that changes. */
  inbox(): readonly WaitingRequest[];
  /** Pushes a notification of audience `one` to the caller alone. */
  tell<P extends z.ZodType>(spec: NotificationSpec<string, P, "one">, params: z.input<P>): void;
  /**
   * The same for bytes, without a detour: `head` and `tail` are the JSON text of the params around the base64 of `bytes`.
   * A promise: the connection reads too slowly; wait for it before telling more. It resolves when the connection closes too.
   */
  tellBytes(
    spec: NotificationSpec<string, z.ZodType, "one">,
    head: string,
    bytes: Buffer,
    tail: string,
  ): Promise<void> | undefined;
  /** Calls `listener` when the connection has closed, at once if it has. The answer takes it back. */
  onClosed(listener: () => void): () => void;
}

/** Facts of this host that answers carry. */
export interface HostFacts {
  /** Farhelm's own. */
  readonly version: string;
  readonly codexHome: string;
  readonly farhelmHome: string;
  /** The agent's folder when a client names none. */
  readonly defaultCwd: string;
  /** The origin under which people open the dashboard. */
  readonly pageOrigin: string;
  /** The pairing link that carries this secret. */
  pairingUrl(secret: string): string;
  readonly serverName: string;
  readonly installationId: string;
  readonly policy: HostPolicy;
  /** How often every connection is pinged. */
  readonly pingIntervalMs: number;
}

/** What a handler can reach. It holds no `send`: a handler answers by returning or throwing. */
export interface Context {
  readonly threads: Threads;
  readonly models: Models;
  readonly accounts: Accounts;
  readonly config: ConfigReader;
  readonly configEditor: ConfigEditor;
  readonly devices: DeviceAdmin;
  readonly deviceKeys: DeviceKeys;
  readonly pairing: PairingDesk;
  readonly processes: ClientProcesses;
  readonly files: Files;
  readonly watches: FileWatches;
  readonly searches: FileSearches;
  readonly auditHeads: AuditHeads;
  readonly host: HostFacts;
  readonly principal: Principal;
  readonly session: CallerSession;
  /** Runs `effect` right after the answer was queued, whether or not the caller is still there. */
  readonly afterAnswer: (effect: () => void) => void;
}
