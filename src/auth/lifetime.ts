import { refusal } from "./refusals.ts";

const maxLifetimeMs = 366 * 24 * 60 * 60 * 1000;

/** Throws `AuthError` for a time that no access lives. */
export function checkLifetime(ttlMs: number): void {
  if (!(ttlMs > 1000 && ttlMs <= maxLifetimeMs)) throw refusal("bad_lifetime");
}
