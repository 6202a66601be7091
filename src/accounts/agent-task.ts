/** Registers a task for an agent runtime: what the runtime's signatures name from then on. */
import type { AgentSigner } from "../crypto/agent-key.ts";
import { isRecord } from "../util/is-record.ts";
import { isJoinable } from "./agent-identity-record.ts";
import { LoginError } from "./login-error.ts";
import type { SmallAnswer } from "./small-request.ts";
import { smallRequest } from "./small-request.ts";

const TIMEOUT_MS = 30_000;
const TRIES = 3;
const MAX_SHOWN_CHARS = 200;
const NEXT_TURN = "The next turn tries again.";

export interface TaskRegistration {
  /** Without a trailing slash. */
  readonly authApiBaseUrl: string;
  readonly runtimeId: string;
  readonly signer: AgentSigner;
  readonly signal: AbortSignal;
}

/** RFC 3339 in UTC, whole seconds: the form that is signed. */
export const signedTime = (nowMs: number): string =>
  new Date(nowMs).toISOString().replace(/\.\d+Z$/, "Z");

/**
 * The new task's id. What may pass (5xx, 429, no answer) is tried three times at once, another
 * refusal is final. Rejects with `LoginError`.
 */
export async function registerTask(registration: TaskRegistration): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const { result, passing } = await tryToRegister(registration);
    if (typeof result === "string") return result;
    if (!passing || attempt === TRIES) throw result;
  }
}

async function tryToRegister({
  authApiBaseUrl,
  runtimeId,
  signer,
  signal,
}: TaskRegistration): Promise<{
  readonly result: string | LoginError;
  readonly passing: boolean;
}> {
  const timestamp = signedTime(Date.now());
  const signature = signer.sign(`${runtimeId}:${timestamp}`);
  const url = `${authApiBaseUrl}/v1/agent/${encodeURIComponent(runtimeId)}/task/register`;
  let answer: SmallAnswer;
  try {
    answer = await smallRequest({
      url,
      timeoutMs: TIMEOUT_MS,
      body: { timestamp, signature },
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    const why = error instanceof Error ? error.message : "the connection failed";
    const reason = `failed to register agent task at ${url}: ${why}`;
    return { result: new LoginError(reason, NEXT_TURN, { cause: error }), passing: true };
  }
  const { status, statusText, text } = answer;
  if (status < 200 || status > 299) {
    const said = shownText(text.replaceAll(signature, "…"));
    return {
      result: new LoginError(
        `agent task registration failed with status ${status} ${statusText}${said}`,
        status >= 500 || status === 429
          ? NEXT_TURN
          : "Check that this agent runtime is still registered, or get a new agent identity.",
      ),
      passing: status >= 500 || status === 429,
    };
  }
  return { result: taskIdOf(text), passing: false };
}

function taskIdOf(text: string): string | LoginError {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    content = undefined;
  }
  if (!isRecord(content)) return unfit("failed to decode agent task registration response");
  const ids = [content["task_id"], content["taskId"]];
  const id = ids.find((each) => typeof each === "string" && each !== "");
  if (typeof id === "string") {
    return isJoinable(id) ? id : unfit("agent task registration response holds an unfit task id");
  }
  return content["encrypted_task_id"] === undefined && content["encryptedTaskId"] === undefined
    ? unfit("agent task registration response omitted task id")
    : unfit(
        "agent task registration response holds an encrypted task id, which this version of Farhelm cannot open",
      );
}

const unfit = (reason: string): LoginError =>
  new LoginError(
    reason,
    "Check CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL, if it is set; whoever runs that service has to correct its answer.",
  );

/** What the service said, for people: one line without control characters. */
function shownText(text: string): string {
  const line = text
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .trim()
    .slice(0, MAX_SHOWN_CHARS);
  return line === "" ? "" : `: ${line}`;
}
