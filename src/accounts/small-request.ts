/** One POST with a small answer. */
import { limitedBody } from "../util/limited-body.ts";

/** A task id, or what a server says of its refusal, is far below this. */
const MAX_ANSWER_BYTES = 64 * 1024;

export interface SmallRequest {
  readonly url: string;
  readonly timeoutMs: number;
  /** Sent as JSON. */
  readonly body: object;
  readonly signal: AbortSignal;
}

export interface SmallAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly text: string;
}

/**
 * Follows no redirect: what it is asked for is trusted because of where it lies. Rejects with an
 * `Error` that says why no answer came, or with the signal's reason.
 */
export async function smallRequest(request: SmallRequest): Promise<SmallAnswer> {
  const { url, timeoutMs, body, signal } = request;
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      redirect: "manual",
      headers: {
        accept: "application/json",
        "user-agent": "farhelm",
        originator: "farhelm",
        "content-type": "application/json",
      },
      signal: AbortSignal.any([signal, late]),
      method: "POST",
      body: JSON.stringify(body),
    });
    const { status, statusText } = response;
    return { status, statusText, text: await limitedText(response) };
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) {
      throw new Error(`no answer within ${timeoutMs / 1000} seconds`, { cause: error });
    }
    throw new Error(faultOf(error), { cause: error });
  }
}

async function limitedText({ body }: Response): Promise<string> {
  if (body === null) return "";
  const bytes = await limitedBody(body, MAX_ANSWER_BYTES);
  if (bytes === undefined) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
  return bytes.toString("utf8");
}

/** `fetch` wraps the reason: "fetch failed" alone says nothing. */
function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return "the connection failed";
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  // Of a name with several addresses there is only a code.
  return cause.message || ("code" in cause ? String(cause.code) : error.message);
}
