/** Agent runtimes that prove themselves with their own key: task registration and `AgentAssertion`. */
import type { AgentSettings } from "../config/issuer-settings.ts";
import { decodeBase64, decodeBase64url } from "../crypto/base64.ts";
import {
  newEd25519PublicKey,
  parseEd25519Spki,
  verifyEd25519,
  type Ed25519PublicKey,
} from "../crypto/ed25519.ts";
import { randomId } from "../crypto/random.ts";
import { parseStrictObject } from "../crypto/strict-json.ts";
import { refusal } from "./refusals.ts";

interface Runtime {
  readonly settings: AgentSettings;
  readonly key: Ed25519PublicKey;
}

/** Lives in this process alone: after a restart every runtime registers again. */
interface Task {
  readonly id: string;
  readonly runtimeId: string;
  /** Of its registration; the same registration again gives the same task. */
  readonly timestamp: string;
  readonly endsAtMs: number;
}

export interface AssertedAgent {
  readonly settings: AgentSettings;
  readonly taskId: string;
  readonly endsAtMs: number;
}

/** How far the clocks of runtime and host may differ. */
const maxSkewMs = 300_000;
const taskLifeMs = 24 * 60 * 60 * 1000;
/** A runtime registers once per process; beyond this its oldest task ends. */
const maxTasksOfRuntime = 64;
/** Ed25519 and two ids make some 400 characters. */
const maxAssertionLength = 2048;
const maxIdLength = 255;

export class AgentRuntimes {
  readonly #runtimes: ReadonlyMap<string, Runtime>;
  readonly #nowMs: () => number;
  readonly #onEnd: (taskId: string) => void;
  readonly #checkAccess: (settings: AgentSettings) => void;
  readonly #tasks = new Map<string, Task>();
  /** Stands in for an unknown runtime's key: to refuse it takes as long as to refuse a wrong signature. */
  readonly #nobody = newEd25519PublicKey();

  /**
   * `onEnd`: a task gave way to newer ones of its runtime. `checkAccess` throws for a runtime that proved itself and
   * is kept out all the same; it is asked before anything else is said to it. Throws an `Error` that says what to do
   * when a key is unusable.
   */
  constructor(
    agents: readonly AgentSettings[],
    nowMs: () => number,
    events: { onEnd: (taskId: string) => void; checkAccess: (settings: AgentSettings) => void },
  ) {
    this.#runtimes = new Map(agents.map((each) => [each.runtimeId, runtimeOf(each)]));
    this.#nowMs = nowMs;
    this.#onEnd = events.onEnd;
    this.#checkAccess = events.checkAccess;
  }

  /** Makes a task; a repeat of the same registration gives the same one. Throws `AuthError`. */
  register(runtimeId: string, timestamp: string, signature: string): { readonly taskId: string } {
    this.#check(runtimeId, `${runtimeId}:${timestamp}`, signature);
    this.#checkTime(timestamp);
    this.#dropEnded();
    const own = [...this.#tasks.values()].filter((task) => task.runtimeId === runtimeId);
    const same = own.find((task) => task.timestamp === timestamp);
    if (same !== undefined) return { taskId: same.id };
    const [oldest] = own;
    if (own.length >= maxTasksOfRuntime && oldest !== undefined) {
      this.#tasks.delete(oldest.id);
      this.#onEnd(oldest.id);
    }
    const id = randomId("task");
    const endsAtMs = this.#nowMs() + taskLifeMs;
    this.#tasks.set(id, { id, runtimeId, timestamp, endsAtMs });
    return { taskId: id };
  }

  /**
   * Who made the assertion: unpadded base64url of JSON with exactly `agent_runtime_id`, `signature`,
   * `task_id`, `timestamp`. It binds neither path nor body. Throws `AuthError`.
   */
  asserted(assertion: string): AssertedAgent {
    const read = readAssertion(assertion);
    if (read === undefined) throw refusal("assertion_invalid");
    const { runtimeId, taskId, timestamp, signature } = read;
    const settings = this.#check(runtimeId, `${runtimeId}:${taskId}:${timestamp}`, signature);
    const task = this.#tasks.get(taskId);
    if (task?.runtimeId !== runtimeId || task.endsAtMs <= this.#nowMs()) {
      throw refusal("task_unknown");
    }
    this.#checkTime(timestamp);
    return { settings, taskId, endsAtMs: task.endsAtMs };
  }

  #check(runtimeId: string, signed: string, signature: string): AgentSettings {
    const runtime = this.#runtimes.get(runtimeId);
    const bytes = decodeBase64(signature);
    const holds =
      bytes !== undefined &&
      verifyEd25519(runtime?.key ?? this.#nobody, Buffer.from(signed), bytes);
    if (!holds || runtime === undefined) throw refusal("assertion_invalid");
    this.#checkAccess(runtime.settings);
    return runtime.settings;
  }

  #checkTime(timestamp: string): void {
    const atMs = wholeSecond(timestamp);
    if (atMs === undefined) throw refusal("assertion_invalid");
    if (Math.abs(atMs - this.#nowMs()) > maxSkewMs) throw refusal("assertion_expired");
  }

  /** All lives are equally long, so the map is in the order of their ends. */
  #dropEnded(): void {
    const nowMs = this.#nowMs();
    for (const [id, { endsAtMs }] of this.#tasks) {
      if (endsAtMs > nowMs) return;
      this.#tasks.delete(id);
    }
  }
}

interface Assertion {
  readonly runtimeId: string;
  readonly taskId: string;
  readonly timestamp: string;
  readonly signature: string;
}

function readAssertion(text: string): Assertion | undefined {
  const bytes = text.length > maxAssertionLength ? undefined : decodeBase64url(text);
  const members = bytes === undefined ? undefined : parseStrictObject(bytes);
  if (members === undefined || Object.keys(members).length !== 4) return undefined;
  const { agent_runtime_id: runtimeId, task_id: taskId, timestamp, signature } = members;
  if (!isId(runtimeId) || !isId(taskId)) return undefined;
  if (typeof timestamp !== "string" || typeof signature !== "string") return undefined;
  return { runtimeId, taskId, timestamp, signature };
}

/** The parts of what is signed are joined with `:`, so no part may hold one. */
const isId = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && value.length <= maxIdLength && !value.includes(":");

/** RFC 3339 in UTC, whole seconds, as the stock client writes it. Unix time in milliseconds. */
function wholeSecond(timestamp: string): number | undefined {
  const atMs = Date.parse(timestamp);
  if (Number.isNaN(atMs)) return undefined;
  return new Date(atMs).toISOString().replace(".000Z", "Z") === timestamp ? atMs : undefined;
}

function runtimeOf(settings: AgentSettings): Runtime {
  const der = decodeBase64(settings.publicKeySpkiBase64);
  const key = der === undefined ? undefined : parseEd25519Spki(der);
  if (key !== undefined) return { settings, key };
  throw new Error(
    `farhelm.toml: the public_key of the agent ${settings.runtimeId} cannot be trusted; make a new Ed25519 key and put its public half there`,
  );
}
