/** Failures of the database as the store's own errors, each with a sentence and a next step. */
import { isRecord } from "../../util/is-record.ts";
import { StoreError } from "../port.ts";
import type { DatabaseAddress } from "./address.ts";

/** Of the system (`ECONNREFUSED`) or of Postgres (five characters; appendix A of its manual). */
const codeOf = (error: unknown): string | undefined =>
  isRecord(error) && typeof error["code"] === "string" ? error["code"] : undefined;

const lost = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  // Deadlock and serialisation: the other one is done by the next attempt.
  "40001",
  "40P01",
  // Too many connections; the server ends, has crashed, or is not up yet.
  "53300",
  "57P01",
  "57P02",
  "57P03",
]);

const lostSentence = /^Connection terminated|^timeout exceeded|^Client has encountered/;

/** Whether the same may succeed in a moment: the connection broke, or another session was in the way. */
export function isPassing(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isPassing);
  const code = codeOf(error);
  if (code !== undefined) return lost.has(code) || code.startsWith("08");
  return error instanceof Error && lostSentence.test(error.message);
}

/** What a code says of the database, and what to do. */
type Known = readonly [kind: StoreError["kind"], why: string, next: string];

const known = new Map<string | undefined, Known>([
  ["53100", ["diskFull", "has no space left", "Free some space there and try again."]],
  ["25006", ["readOnly", "does not let anybody write", "Set DATABASE_URL to one that does."]],
  [
    "42501",
    [
      "readOnly",
      "does not let this user write",
      "Give the user of DATABASE_URL the right to create and change tables there.",
    ],
  ],
  ["ENOTFOUND", ["io", "is not found", "Set DATABASE_URL to a host that exists."]],
  ["28P01", ["io", "does not let this user in", "Set user and password of DATABASE_URL right."]],
  ["28000", ["io", "does not let this user in", "Set user and password of DATABASE_URL right."]],
  ["3D000", ["io", "does not exist", "Create it (createdb), or set DATABASE_URL right."]],
]);

/** `doing` completes "could not …". Nothing of the rows goes along, and no password. */
export function postgresFailure(
  error: unknown,
  doing: string,
  { shown }: DatabaseAddress,
): StoreError {
  if (error instanceof StoreError) return error;
  const code = error instanceof AggregateError ? firstCode(error) : codeOf(error);
  const unreached: Known = [
    "io",
    `cannot be reached (${code ?? "no answer"})`,
    "Start it, or set DATABASE_URL right, and try again.",
  ];
  const other: Known = [
    "io",
    `reports ${code ?? "a failure"}`,
    "Look into its log, and try again.",
  ];
  const [kind, why, next] = known.get(code) ?? (isPassing(error) ? unreached : other);
  // Details that Postgres adds quote rows, which hold what people wrote.
  const cause = new Error(`${code ?? "no code"}: ${error instanceof Error ? error.message : ""}`);
  return new StoreError(
    kind,
    `Could not ${doing}: the database at ${shown} ${why}. ${next}`,
    cause,
  );
}

const firstCode = (error: AggregateError): string | undefined =>
  error.errors.map(codeOf).find((code) => code !== undefined);
