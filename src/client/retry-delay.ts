const firstMs = 500;
const longestMs = 30_000;

/**
 * How long to wait after `failures` attempts in a row failed. Doubles each time up to 30 s; the
 * upper half is random, so that the clients of a restarted host do not come back together.
 */
export function retryDelayMs(failures: number, jitter: number): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(failures, 16));
  return Math.round(full / 2 + (full / 2) * jitter);
}
