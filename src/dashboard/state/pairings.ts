/** Pairings as this dashboard knows them; only admins hear of them. */
import type { Pairing } from "../../protocol/pairing.ts";

export type Pairings = ReadonlyMap<string, Pairing>;

export const withPairing = (pairings: Pairings, pairing: Pairing): Pairings =>
  new Map(pairings).set(pairing.id, pairing);

/** A device that somebody must let in or send away. */
export type WaitingPairing = Pairing & { readonly request: NonNullable<Pairing["request"]> };

export const waitingPairings = (pairings: Pairings): WaitingPairing[] =>
  [...pairings.values()].filter(
    (pairing): pairing is WaitingPairing => pairing.phase === "proved" && pairing.request !== null,
  );

/** Links that nobody used yet, but for the one that is shown whole. */
export const openLinks = (pairings: Pairings, shown: string | undefined): Pairing[] =>
  [...pairings.values()].filter(
    ({ id, phase }) => (phase === "offered" || phase === "locked") && id !== shown,
  );

/** What became of a pairing, for who made it here; undefined while nobody came. */
export function outcomeText({ phase, because, request }: Pairing): string | undefined {
  const name = request?.deviceName ?? "The device";
  if (phase === "redeemed") return `${name} is proving its key …`;
  if (phase === "proved") return `${name} has come; compare its words above.`;
  if (phase === "confirmed") return `${name} was let in and fetches its token …`;
  if (phase === "enrolled") return `${name} is paired.`;
  if (phase === "expired")
    return request === null ? "Nobody came in time." : `${name} was not paired in time.`;
  if (phase !== "refused" || because === "cancelled") return undefined;
  return because === "proof"
    ? `${name} could not prove its key and stays out.`
    : `${name} stays out. The link is used up; your own device needs a new one.`;
}

export const lifetimes = [
  [null, "until it is revoked"],
  [3_600_000, "for an hour"],
  [43_200_000, "for 12 hours"],
  [604_800_000, "for a week"],
] as const;

export function lifetimeText(ms: number | null): string {
  const known = lifetimes.find(([each]) => each === ms)?.[1];
  return known ?? `for ${Math.max(1, Math.round((ms ?? 0) / 60_000))} minutes`;
}
