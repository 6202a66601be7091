/** What the clients of a run ask for, and how that ended: what the host must have done, may have done, and must not have done twice. */
import { join } from "node:path";
import { isRecord } from "../../src/util/is-record.ts";
import { textIn } from "../helpers/kill-ledger.ts";
import type { Json } from "../helpers/kill-peer.ts";
import { doings } from "./doings.ts";
import type { Act } from "./plan.ts";
import type { SceneClient } from "./scene-client.ts";
import type { CallEnd } from "./wire-calls.ts";

/** One change that a client asked for. */
export interface Deed {
  readonly act: Act;
  readonly client: string;
  /** Stands in what it makes: a prompt, a name, the client's id of a message. */
  readonly key: string;
  readonly threadId: string;
  end: CallEnd | undefined;
  /** Whether the host ended without waiting for it. */
  cutShort: boolean;
}

/** A call that changes something. */
export interface Change {
  readonly act: Act;
  /** Empty: of no thread yet. */
  readonly threadId: string;
  readonly method: string;
  readonly paramsOf: (key: string) => Json;
}

export class Deeds {
  readonly all: Deed[] = [];
  /** Every thread that a client was told of, and those that were taken away. */
  readonly threads: string[] = [];
  readonly deleted = new Set<string>();
  readonly folder: string;
  readonly #log: (line: string) => void;
  #keys = 0;
  /** How often the host ended, and how often without waiting for its calls: killed, or out of patience. */
  ends = 0;
  hardEnds = 0;

  constructor(folder: string, log: (line: string) => void) {
    this.folder = folder;
    this.#log = log;
  }

  /** Begins what `act` is, as far as there is something to do it to. `choice` is in [0, 1). */
  do(client: SceneClient, act: Act, choice: number): Promise<unknown> {
    if (act === "start") return this.#start(client, choice);
    const threadId = this.threads[Math.floor(choice * this.threads.length)];
    if (threadId === undefined) return Promise.resolve();
    return doings[act](this, client, threadId);
  }

  /** One that makes a thread, which the client watches then. */
  make(client: SceneClient, change: Change): Promise<void> {
    return this.change(client, change, (end) => {
      if (end.kind !== "answered") return;
      const { thread } = end.result;
      if (isRecord(thread)) this.threads.push(textIn(thread, "id"));
      client.adopt(end);
    });
  }

  async change(
    client: SceneClient,
    { act, threadId, method, paramsOf }: Change,
    taken?: (end: CallEnd) => void,
  ): Promise<void> {
    const key = `k${(this.#keys += 1)}k`;
    const { hardEnds } = this;
    const deed: Deed = { act, client: client.name, key, threadId, end: undefined, cutShort: false };
    this.all.push(deed);
    const end = await client.call(method, paramsOf(key), {
      changes: true,
      ...(taken && { taken }),
    });
    deed.end = end;
    deed.cutShort = this.hardEnds > hardEnds;
    const how = end.kind === "refused" ? `${end.code} ${end.message}` : end.kind;
    this.#log(`${client.name} ${act} ${key} of ${threadId}: ${how}`);
  }

  /** Whether one of these acts may have been done to the thread. */
  mayHaveBeen(acts: readonly Act[], threadId: string): boolean {
    return this.all.some(({ act, threadId: of, end }) => {
      const isRefused = end?.kind === "refused" && end.code !== "outcome_unknown";
      return acts.includes(act) && of === threadId && !isRefused;
    });
  }

  fileOf(name: string): string {
    return join(this.folder, name);
  }

  #start(client: SceneClient, choice: number): Promise<void> {
    const historyMode = choice < 0.3 ? "legacy" : choice < 0.6 ? "paginated" : null;
    const params = { cwd: this.folder, historyMode };
    return this.make(client, {
      act: "start",
      threadId: "",
      method: "thread/start",
      paramsOf: () => params,
    });
  }
}
