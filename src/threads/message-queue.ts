import type { Publisher } from "../events/port.ts";
import { RpcError, invalidRequest } from "../protocol/errors.ts";
import { TurnId } from "../protocol/ids.ts";
import type { ThreadId } from "../protocol/ids.ts";
import { threadQueueChanged } from "../protocol/thread-notifications.ts";
import type { Turn } from "../protocol/turn.ts";
import { QueuedMessage } from "../protocol/queued-message.ts";
import type { NoteKind } from "../store/port.ts";
import { uuidV7 } from "../util/uuid-v7.ts";
import { isArchived, noRollout } from "./loaded-threads.ts";
import type { LoadedThreads } from "./loaded-threads.ts";
import { checkInputSize } from "./model-input.ts";
import type { NoteRefusals, SideNotes } from "./side-notes.ts";
import { unsupported } from "./side-notes.ts";
import type { Announcing } from "./port.ts";
import type { ThreadQueue } from "./side-state-port.ts";
import { hasTurn } from "./turn-control.ts";
import type { TurnControl } from "./turn-control.ts";

/** More than anybody writes ahead; a client that loops is stopped here. */
const maxMessages = 1_000;

/** The next one first; none rather than an empty one. */
const queueNote: NoteKind<readonly QueuedMessage[]> = {
  name: "queue",
  parse: (value) => QueuedMessage.array().parse(value),
};

const refusals: NoteRefusals = {
  ephemeral: unsupported("queued submissions"),
  unknown: (id) =>
    new RpcError(
      "internal",
      `failed to read thread: invalid thread-store request: ${noRollout(id)}`,
    ),
  archived: (id) => invalidRequest(isArchived(id)),
};

export interface QueueParts {
  readonly loaded: LoadedThreads;
  readonly notes: SideNotes;
  readonly control: TurnControl;
  readonly publisher: Publisher;
  readonly log: { error(fields: object, message: string): void };
  readonly maySend: (principalId: string) => boolean;
  /** Whether a turn of the thread holds what somebody said. */
  readonly isSaid: (id: ThreadId, turnId: TurnId) => Promise<boolean>;
}

/**
 * A message leaves the queue when its turn is stored. Before that it is written which turn this will be: after a crash
 * between the two it is seen in the thread whether the message began, so that it is neither lost nor said twice.
 */
export class MessageQueue implements ThreadQueue {
  readonly #parts: QueueParts;
  /** What is being done to a thread's queue; the next change waits for it. */
  readonly #work = new Map<ThreadId, Promise<unknown>>();
  /** Threads whose last turn somebody interrupted: there nothing begins by itself. */
  readonly #held = new Set<ThreadId>();

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  add(
    id: ThreadId,
    message: Omit<QueuedMessage, "id">,
  ): Promise<{ readonly message: QueuedMessage } & Announcing> {
    return this.#alone(id, async () => {
      const waiting = await this.#waiting(id);
      checkMessage(message.input);
      if (waiting.length >= maxMessages) {
        throw invalidRequest(
          `${maxMessages} messages wait for this thread already; delete some, or let it work`,
        );
      }
      const added = { id: uuidV7(), ...message };
      await this.#save(id, [...waiting, added]);
      return {
        message: added,
        announce: () => {
          this.#tell(id);
          this.advance(id);
        },
      };
    });
  }

  async list(
    id: ThreadId,
    { cursor, limit }: { readonly cursor: number; readonly limit: number },
  ): Promise<{ readonly data: readonly QueuedMessage[]; readonly nextCursor: number | null }> {
    const waiting = await this.#waiting(id);
    const end = cursor + limit;
    return {
      data: waiting.slice(cursor, end),
      nextCursor: end < waiting.length ? end : null,
    };
  }

  update(
    id: ThreadId,
    messageId: string,
    { clientMetadata, ...change }: Omit<QueuedMessage, "id" | "clientId">,
  ): Promise<{ readonly message: QueuedMessage } & Announcing> {
    return this.#alone(id, async () => {
      const waiting = await this.#waiting(id);
      checkMessage(change.input);
      const before = found(waiting, messageId);
      const kept = clientMetadata ?? before.clientMetadata;
      const message = { ...before, ...change, clientMetadata: kept };
      await this.#save(
        id,
        waiting.map((each) => (each === before ? message : each)),
      );
      return { message, announce: () => this.#tell(id) };
    });
  }

  delete(id: ThreadId, messageId: string): Promise<{ readonly deleted: boolean } & Announcing> {
    return this.#alone(id, async () => {
      const waiting = await this.#waiting(id);
      const rest = waiting.filter((message) => message.id !== messageId);
      if (rest.length === waiting.length) return { deleted: false, announce: () => {} };
      await this.#save(id, rest);
      return { deleted: true, announce: () => this.#tell(id) };
    });
  }

  reorder(id: ThreadId, messageIds: readonly string[]): Promise<Announcing> {
    return this.#alone(id, async () => {
      const waiting = await this.#waiting(id);
      const byId = new Map(waiting.map((message) => [message.id, message]));
      const ordered = [...new Set(messageIds)].flatMap((messageId) => byId.get(messageId) ?? []);
      if (ordered.length !== waiting.length || messageIds.length !== waiting.length) {
        throw invalidRequest("queue reorder must include every queued submission exactly once");
      }
      await this.#save(id, ordered);
      return { announce: () => this.#tell(id) };
    });
  }

  start(
    id: ThreadId,
    messageId: string | undefined,
  ): Promise<{ readonly turn: Turn } & Announcing> {
    return this.#alone(id, async () => {
      const waiting = await this.#waiting(id);
      const thread = this.#parts.loaded.get(id);
      if (!thread) throw invalidRequest("resume the thread before starting a queued message");
      const message = messageId === undefined ? waiting[0] : found(waiting, messageId);
      if (thread.active) throw hasTurn();
      if (!message) throw invalidRequest("queue is empty");
      return this.#begin(id, message, waiting);
    });
  }

  async hasWaiting(id: ThreadId): Promise<boolean> {
    return this.#sendable(await this.#read(id)).length > 0;
  }

  advance(id: ThreadId): void {
    this.#alone(id, () => this.#next(id)).catch((error: unknown) =>
      this.#parts.log.error({ err: error, threadId: id }, "a waiting message did not begin"),
    );
  }

  turnEnded(id: ThreadId, how: "ended" | "interrupted"): void {
    if (how === "interrupted") {
      this.#held.add(id);
      return;
    }
    this.#held.delete(id);
    this.advance(id);
  }

  async dropUnsendable(): Promise<void> {
    for (const { threadId: id } of await this.#parts.notes.find(queueNote)) {
      await this.#alone(id, async () => {
        const waiting = await this.#read(id);
        const rest = this.#sendable(waiting);
        if (rest.length === waiting.length) return;
        await this.#save(id, rest);
        this.#tell(id);
      });
    }
  }

  /** Whether something is being done to the thread's queue, which may begin a turn. */
  isBusy(id: ThreadId): boolean {
    return this.#work.has(id);
  }

  /** The thread is no longer in memory. */
  forget(id: ThreadId): void {
    this.#held.delete(id);
  }

  async #next(id: ThreadId): Promise<void> {
    const isFree = (): boolean => {
      const thread = this.#parts.loaded.get(id);
      return thread !== undefined && !thread.active && !this.#held.has(id);
    };
    if (!isFree()) return;
    const waiting = this.#sendable(await this.#read(id));
    const [first] = waiting;
    if (!first || !isFree()) return;
    try {
      const { announce } = await this.#begin(id, first, waiting);
      announce();
    } catch (error) {
      // meanwhile another turn began; its end comes here again
      if (isFree()) throw error;
    }
  }

  async #begin(
    id: ThreadId,
    message: QueuedMessage,
    waiting: readonly QueuedMessage[],
  ): Promise<{ readonly turn: Turn } & Announcing> {
    const { control, log } = this.#parts;
    const { input, clientId } = message;
    const turnId = TurnId.parse(uuidV7());
    const marked = waiting.map((each) => (each === message ? { ...message, turnId } : each));
    await this.#save(id, marked);
    const started = await control.startTurn(id, { input, clientId, outputSchema: null, turnId });
    this.#held.delete(id);
    const rest = waiting.filter((each) => each !== message);
    try {
      await this.#save(id, rest);
    } catch (error) {
      log.error({ err: error, threadId: id }, "a message that began still waits in the store");
    }
    return {
      turn: started.turn,
      announce: () => {
        this.#tell(id);
        started.announce();
      },
    };
  }

  /** Rejects where there is no such thread. */
  async #waiting(id: ThreadId): Promise<readonly QueuedMessage[]> {
    await this.#parts.notes.check(id, refusals);
    return this.#sendable(await this.#read(id));
  }

  /** Without what was sent by people who may not send any more; every change of the queue leaves it out. */
  #sendable(waiting: readonly QueuedMessage[]): readonly QueuedMessage[] {
    const { maySend } = this.#parts;
    return waiting.filter(({ from }) => from === undefined || maySend(from));
  }

  async #read(id: ThreadId): Promise<readonly QueuedMessage[]> {
    const kept = (await this.#parts.notes.read(id, queueNote)) ?? [];
    const waiting: QueuedMessage[] = [];
    for (const message of kept) {
      const { turnId } = message;
      if (turnId === undefined || !(await this.#parts.isSaid(id, turnId))) waiting.push(message);
    }
    return waiting;
  }

  #save(id: ThreadId, messages: readonly QueuedMessage[]): Promise<void> {
    const draft = messages.length > 0 ? { value: messages } : undefined;
    return this.#parts.notes.change(id, queueNote, refusals, () => draft);
  }

  #tell(id: ThreadId): void {
    this.#parts.publisher.publish(threadQueueChanged, { threadId: id });
  }

  async #alone<T>(id: ThreadId, work: () => Promise<T>): Promise<T> {
    const before = this.#work.get(id) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#work.set(id, mine);
    try {
      return await mine;
    } finally {
      if (this.#work.get(id) === mine) this.#work.delete(id);
    }
  }
}

function checkMessage(input: QueuedMessage["input"]): void {
  if (input.length === 0) {
    throw invalidRequest("only user input can be added to the user-message queue");
  }
  checkInputSize(input);
}

function found(waiting: readonly QueuedMessage[], messageId: string): QueuedMessage {
  const message = waiting.find(({ id }) => id === messageId);
  if (!message) throw invalidRequest(`queued submission not found: ${messageId}`);
  return message;
}
