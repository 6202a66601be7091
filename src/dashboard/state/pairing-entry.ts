import { readPairingCode } from "../../protocol/pairing-code.ts";
import { readPairingLink } from "../../protocol/pairing-link.ts";

/** What a person came with: a link, or a code that was typed. */
export interface PairingEntry {
  readonly way: { readonly secret: string } | { readonly code: string };
  /** Of the host's key; only links carry it. */
  readonly hostFingerprint: string | undefined;
}

/** Undefined for what is neither a code, nor a pairing link or its fragment. */
export function readPairingEntry(text: string): PairingEntry | undefined {
  const code = readPairingCode(text);
  if (code !== undefined) return { way: { code }, hostFingerprint: undefined };
  const link = readPairingLink(text);
  return link && { way: { secret: link.secret }, hostFingerprint: link.hostFingerprint };
}

/** Refusals after which the same link or code can be tried again; after all others it is used up or wrong. */
const worthAnotherTry = new Set([
  "too_many_attempts",
  "too_many_requests",
  "unreachable",
  "storage_failed",
  "bad_name",
  "challenges_exhausted",
]);

export const mayTryAgain = (code: string): boolean => worthAnotherTry.has(code);

/** `4:05`. */
export function countdown(untilMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.ceil((untilMs - nowMs) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
