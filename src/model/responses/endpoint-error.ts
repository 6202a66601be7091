/** What an endpoint's refusals mean. Texts and infos are those that clients of the protocol know. */
import { isRecord } from "../../util/is-record.ts";
import { ModelError } from "../port.ts";

/** A body beyond this is not looked at. */
export const MAX_ERROR_BODY_BYTES = 64 * 1024;
/** What of a body without a message is shown. */
const MAX_SHOWN_CHARS = 2_000;

const HIGH_DEMAND = "We’re currently experiencing high demand, which may cause temporary errors.";
const NO_ROOM =
  "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying.";
const NO_QUOTA = "Quota exceeded. Check your plan and billing details.";
const AT_CAPACITY = "Selected model is at capacity. Please try a different model.";
const USAGE_LIMIT = "You’ve hit your usage limit. Try again later.";

interface HttpRefusal {
  readonly status: number;
  readonly statusText: string;
  readonly body: string;
  /** The Retry-After header. */
  readonly retryAfter: string | undefined;
  /** The address as it may be shown. */
  readonly url: string;
}

/** Codes that say more than the status with which they come. */
const FINAL_CODES = new Set(["context_length_exceeded", "insufficient_quota"]);

/** From a status other than 2xx. */
export function httpError(refusal: HttpRefusal): ModelError {
  const { status, statusText, body, url } = refusal;
  const { code, type, message } = errorMembers(body);
  if (status === 429) return tooManyRequests(refusal, type ?? code);
  if (status === 500) return new ModelError("request", HIGH_DEMAND, "internalServerError");
  if (code !== undefined && FINAL_CODES.has(code)) return codedError(code, message ?? "");
  if (status === 404 && code === "model_not_found")
    return new ModelError("final", message ?? `No such model at ${url}.`, "modelNotFound");
  const shown = (message ?? body).slice(0, MAX_SHOWN_CHARS);
  if (status === 400) return new ModelError("final", body.slice(0, MAX_SHOWN_CHARS), "other");
  const text = `unexpected status ${status} ${statusText}: ${shown}, url: ${url}`;
  const retryAfterMs = retryAfterOf(refusal.retryAfter);
  return new ModelError(
    status >= 500 || status === 408 ? "request" : "final",
    text,
    { httpConnectionFailed: { httpStatusCode: status } },
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );
}

function tooManyRequests(refusal: HttpRefusal, kind: string | undefined): ModelError {
  if (kind === "usage_limit_reached")
    return new ModelError("final", USAGE_LIMIT, "usageLimitExceeded");
  if (kind === "insufficient_quota") return new ModelError("final", NO_QUOTA, "usageLimitExceeded");
  const retryAfterMs = retryAfterOf(refusal.retryAfter);
  return new ModelError(
    "request",
    "exceeded retry limit, last status: 429 Too Many Requests",
    { responseTooManyFailedAttempts: { httpStatusCode: 429 } },
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );
}

/** From the error of a `response.failed` or `error` event. */
export function codedError(code: string, message: string): ModelError {
  switch (code) {
    case "context_length_exceeded":
      return new ModelError("final", NO_ROOM, "contextWindowExceeded");
    case "insufficient_quota":
      return new ModelError("final", NO_QUOTA, "usageLimitExceeded");
    case "usage_not_included":
      return new ModelError(
        "final",
        "This plan does not include the use of this model. Choose another plan, or use an API key.",
        "usageLimitExceeded",
      );
    case "usage_limit_reached":
      return new ModelError("final", USAGE_LIMIT, "usageLimitExceeded");
    case "rate_limit_exceeded":
    case "slow_down": {
      const retryAfterMs = namedDelay(message);
      return new ModelError(
        "stream",
        `rate limit exceeded: ${message}`,
        "rateLimitExceeded",
        retryAfterMs === undefined ? {} : { retryAfterMs },
      );
    }
    case "server_is_overloaded":
      return new ModelError("final", AT_CAPACITY, "serverOverloaded");
    case "invalid_prompt":
      return new ModelError("final", message, "other");
    default:
      return brokenStream(message);
  }
}

/** The answer broke off; worth another attempt. */
export const brokenStream = (reason: string, cause?: unknown): ModelError =>
  new ModelError("stream", `stream disconnected before completion: ${reason}`, "other", { cause });

/** Nothing answered at all. Tried again for as long as the turn is wanted. */
export class UnreachableError extends ModelError {
  constructor(message: string, cause: unknown) {
    super("request", message, { responseStreamDisconnected: { httpStatusCode: null } }, { cause });
  }
}

/** Words a connection's failure: which address, what happened, what to do. */
export function unreachable(
  providerId: string,
  url: URL,
  shown: string,
  cause: unknown,
): ModelError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const what = CONNECTION_FAULTS.get(code)?.replaceAll("HOST", url.host) ?? faultText(cause, code);
  return new UnreachableError(
    `Connection failed: ${shown}: ${what}. Is the model server running? ` +
      `Otherwise check base_url of model provider \`${providerId}\` in config.toml.`,
    cause,
  );
}

const CONNECTION_FAULTS = new Map([
  ["ECONNREFUSED", "HOST refused the connection"],
  ["ENOTFOUND", "the name HOST is not known"],
  ["EAI_AGAIN", "the name HOST could not be looked up"],
  ["ETIMEDOUT", "HOST did not answer in time"],
  ["EHOSTUNREACH", "there is no way to HOST"],
  ["ENETUNREACH", "there is no way to HOST"],
  ["ECONNRESET", "HOST closed the connection"],
  ["EPIPE", "HOST closed the connection"],
]);

const faultText = (cause: unknown, code: string): string =>
  cause instanceof Error && cause.message !== "" ? cause.message : code || "no connection";

interface ErrorMembers {
  readonly code: string | undefined;
  readonly type: string | undefined;
  readonly message: string | undefined;
}

function errorMembers(body: string): ErrorMembers {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    parsed = undefined;
  }
  const error = isRecord(parsed) ? parsed["error"] : undefined;
  // Some servers answer {"error": "text"}.
  if (typeof error === "string") return { code: undefined, type: undefined, message: error };
  return errorFields(error);
}

/** `code`, `type` and `message` of an error object as far as they are strings. */
export function errorFields(error: unknown): ErrorMembers {
  const member = (name: string): string | undefined => {
    const value = isRecord(error) ? error[name] : undefined;
    return typeof value === "string" ? value : undefined;
  };
  return { code: member("code"), type: member("type"), message: member("message") };
}

/** Retry-After in seconds or as an HTTP date (RFC 9110, section 10.2.3). */
function retryAfterOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** "try again in 1.5s", "in 20 ms": the only form in which a failed response names a delay. */
function namedDelay(message: string): number | undefined {
  const match = /try again in\s+(\d+(?:\.\d+)?)\s*(ms|s|seconds?)\b/i.exec(message);
  if (match === null) return undefined;
  return Number(match[1]) * (match[2]?.toLowerCase() === "ms" ? 1 : 1000);
}
