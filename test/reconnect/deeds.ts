/** What the clients of a run ask for, and how that ended: what the host must have done, may have done, and must not have done twice. */
import { join } from "node:path";
import { isRecord } from "../../src/util/is-record.ts";
import { listOf, textIn } from "../helpers/kill-ledger.ts";
import type { Json } from "../helpers/kill-peer.ts";
import type { Act } from "./plan.ts";
import type { CallEnd } from "./wire-calls.ts";
import type { WireClient } from "./wire-client.ts";

/** One change that a client asked for. */
export interface Deed {
  readonly act: Act;
  readonly client: string;
  /** Stands in what it makes: a prompt, a name, the client's id of a message. */
  readonly key: string;
  readonly threadId: string;
  end: CallEnd | undefined;
  /** Whether the host was killed between the call and its end. */
  killed: boolean;
}

export class Deeds {
  readonly all: Deed[] = [];
  /** Every thread that a client was told of, and those that were taken away. */
  readonly threads: string[] = [];
  readonly deleted = new Set<string>();
  readonly folder: string;
  readonly #log: (line: string) => void;
  #keys = 0;
  /** How often the host was killed, and how often it ended at all. */
  kills = 0;
  ends = 0;

  constructor(folder: string, log: (line: string) => void) {
    this.folder = folder;
    this.#log = log;
  }

  /** Begins what `act` is, as far as there is something to do it to. `choice` is in [0, 1). */
  do(client: WireClient, act: Act, choice: number): Promise<unknown> {
    if (act === "start") return this.#start(client, choice);
    const threadId = this.threads[Math.floor(choice * this.threads.length)];
    if (threadId === undefined) return Promise.resolve();
    const doing = this.#doings[act];
    return doing === undefined ? Promise.resolve() : doing(client, threadId);
  }

  readonly #doings: Partial<
    Record<Act, (client: WireClient, threadId: string) => Promise<unknown>>
  > = {
    watch: (client, threadId) => client.watch(threadId),
    leave: (client, threadId) => client.leave(threadId),
    read: (client, threadId) =>
      client.call("thread/read", { threadId, includeTurns: true }, { changes: false }),
    say: (client, threadId) => this.#turn(client, threadId, "say"),
    slow: (client, threadId) => this.#turn(client, threadId, "slow"),
    run: (client, threadId) => this.#turn(client, threadId, "run"),
    patch: (client, threadId) => this.#turn(client, threadId, "patch"),
    long: (client, threadId) => this.#turn(client, threadId, "long"),
    steer: (client, threadId) => this.#steer(client, threadId),
    interrupt: (client, threadId) => this.#interrupt(client, threadId),
    name: (client, threadId) =>
      this.#change(client, "name", threadId, "thread/name/set", (name) => ({ threadId, name })),
    archive: (client, threadId) =>
      this.#change(client, "archive", threadId, "thread/archive", () => ({ threadId })),
    unarchive: (client, threadId) =>
      this.#change(client, "unarchive", threadId, "thread/unarchive", () => ({ threadId })),
    fork: (client, threadId) =>
      this.#change(
        client,
        "fork",
        threadId,
        "thread/fork",
        () => ({ threadId }),
        (end) => this.#adopt(client, end),
      ),
    delete: (client, threadId) => this.#delete(client, threadId),
    queueAdd: (client, threadId) =>
      this.#change(client, "queueAdd", threadId, "thread/queue/add", (key) => ({
        threadId,
        clientUserMessageId: key,
        input: [{ type: "text", text: `say ${key}` }],
      })),
    queueDelete: (client, threadId) => this.#queueDelete(client, threadId),
    queueReorder: (client, threadId) => this.#queueReorder(client, threadId),
    queueStart: (client, threadId) =>
      this.#change(client, "queueStart", threadId, "thread/queue/start", () => ({ threadId })),
  };

  #start(client: WireClient, choice: number): Promise<unknown> {
    const historyMode = choice < 0.3 ? "legacy" : choice < 0.6 ? "paginated" : null;
    const params = (): Json => ({ cwd: this.folder, historyMode });
    return this.#change(client, "start", "", "thread/start", params, (end) =>
      this.#adopt(client, end),
    );
  }

  #adopt(client: WireClient, end: CallEnd): void {
    if (end.kind !== "answered") return;
    const { thread } = end.result;
    if (isRecord(thread)) this.threads.push(textIn(thread, "id"));
    client.adopt(end);
  }

  #turn(client: WireClient, threadId: string, act: Act): Promise<unknown> {
    return this.#change(client, act, threadId, "turn/start", (key) => ({
      threadId,
      clientUserMessageId: key,
      input: [{ type: "text", text: `${act} ${key}` }],
    }));
  }

  #steer(client: WireClient, threadId: string): Promise<unknown> {
    const expectedTurnId = client.copies.get(threadId)?.activeTurn;
    if (expectedTurnId === undefined) return Promise.resolve();
    return this.#change(client, "steer", threadId, "turn/steer", (key) => ({
      threadId,
      expectedTurnId,
      clientUserMessageId: key,
      input: [{ type: "text", text: `say ${key}` }],
    }));
  }

  #interrupt(client: WireClient, threadId: string): Promise<unknown> {
    const turnId = client.copies.get(threadId)?.activeTurn;
    if (turnId === undefined) return Promise.resolve();
    return this.#change(client, "interrupt", threadId, "turn/interrupt", () => ({
      threadId,
      turnId,
    }));
  }

  async #delete(client: WireClient, threadId: string): Promise<void> {
    const deed = this.#change(client, "delete", threadId, "thread/delete", () => ({ threadId }));
    this.deleted.add(threadId);
    await deed;
  }

  async #queueDelete(client: WireClient, threadId: string): Promise<void> {
    const queuedSubmissionId = (await this.#queued(client, threadId)).at(-1);
    if (queuedSubmissionId === undefined) return;
    await this.#change(client, "queueDelete", threadId, "thread/queue/delete", () => ({
      threadId,
      queuedSubmissionId,
    }));
  }

  async #queueReorder(client: WireClient, threadId: string): Promise<void> {
    const ids = await this.#queued(client, threadId);
    const queuedSubmissionIds = ids.toReversed();
    await this.#change(client, "queueReorder", threadId, "thread/queue/reorder", () => ({
      threadId,
      queuedSubmissionIds,
    }));
  }

  async #queued(client: WireClient, threadId: string): Promise<readonly string[]> {
    const end = await client.call("thread/queue/list", { threadId }, { changes: false });
    return end.kind === "answered"
      ? listOf(end.result["data"]).map((row) => textIn(row, "id"))
      : [];
  }

  async #change(
    client: WireClient,
    act: Act,
    threadId: string,
    method: string,
    paramsOf: (key: string) => Json,
    taken?: (end: CallEnd) => void,
  ): Promise<void> {
    const key = `k${(this.#keys += 1)}k`;
    const { kills } = this;
    const deed: Deed = { act, client: client.name, key, threadId, end: undefined, killed: false };
    this.all.push(deed);
    const end = await client.call(method, paramsOf(key), {
      changes: true,
      ...(taken && { taken }),
    });
    deed.end = end;
    deed.killed = this.kills > kills;
    const how = end.kind === "refused" ? `${end.code} ${end.message}` : end.kind;
    this.#log(`${client.name} ${act} ${key} of ${threadId}: ${how}`);
  }

  /** Whether somebody may have taken a message out of the thread's queue. */
  mayBeUnqueued(threadId: string): boolean {
    return this.all.some((deed) => deed.act === "queueDelete" && deed.threadId === threadId);
  }

  fileOf(name: string): string {
    return join(this.folder, name);
  }
}
