const firstMs = 500;
const longestMs = 30_000;

/**
 * How long to wait after `failures` attempts in a row failed: any time up to a limit that doubles with each, up to 30 s,
 * so that the clients of a restarted host come back spread over all of it.
 */
export function retryDelayMs(failures: number, jitter: number): number {
  return Math.round(Math.min(longestMs, firstMs * 2 ** Math.min(failures, 16)) * jitter);
}
