/** How long to wait before another attempt. */
import type { ModelError } from "../port.ts";
import { UnreachableError } from "./endpoint-error.ts";

const FIRST_DELAY_MS = 200;
const MAX_UNREACHABLE_DELAY_MS = 10_000;
const MAX_DELAY_MS = 30_000;
/** An endpoint that asks for more is better reported than waited for. */
const MAX_RETRY_AFTER_MS = 120_000;

interface RetryLimits {
  readonly requestMaxRetries: number;
  readonly streamMaxRetries: number;
}

/** How many retries `error` is worth; null: as many as it takes. */
export function retryLimit(error: ModelError, limits: RetryLimits): number | null {
  if (error.phase === "final") return 0;
  if (error instanceof UnreachableError) return null;
  return error.phase === "request" ? limits.requestMaxRetries : limits.streamMaxRetries;
}

/** The delay before retry `attempt` (from 1), doubled each time and jittered by a tenth; undefined: give up. */
export function retryDelayMs(
  attempt: number,
  error: ModelError,
  limits: RetryLimits,
  random: () => number = Math.random,
): number | undefined {
  const limit = retryLimit(error, limits);
  if (limit !== null && attempt > limit) return undefined;
  if (error.retryAfterMs !== undefined)
    return error.retryAfterMs > MAX_RETRY_AFTER_MS ? undefined : Math.ceil(error.retryAfterMs);
  const doubled = FIRST_DELAY_MS * 2 ** Math.min(attempt - 1, 20);
  const cap = limit === null ? MAX_UNREACHABLE_DELAY_MS : MAX_DELAY_MS;
  return Math.round(Math.min(doubled, cap) * (0.9 + 0.2 * random()));
}
