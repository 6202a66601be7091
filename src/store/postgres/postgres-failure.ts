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

/** `doing` completes "could not …". Nothing of the rows goes along, and no password. */
export function postgresFailure(
  error: unknown,
  doing: string,
  { shown }: DatabaseAddress,
): StoreError {
  if (error instanceof StoreError) return error;
  const code = codeOf(error) ?? (error instanceof AggregateError ? firstCode(error) : undefined);
  // Details that Postgres adds quote rows, which hold what people wrote.
  const cause = new Error(`${code ?? "no code"}: ${error instanceof Error ? error.message : ""}`);
  const says = (kind: StoreError["kind"], why: string, next: string): StoreError =>
    new StoreError(kind, `Could not ${doing}: the database at ${shown} ${why}. ${next}`, cause);
  switch (code) {
    case "53100":
      return says("diskFull", "has no space left", "Free some space there and try again.");
    case "25006":
    case "42501":
      return says(
        "readOnly",
        `does not let this user write (${code})`,
        "Give the user of DATABASE_URL the right to create and change tables there.",
      );
    case "ENOTFOUND":
      return says("io", "is not found", "Set DATABASE_URL to a host that exists.");
    case "28P01":
    case "28000":
      return says(
        "io",
        "does not let this user in",
        "Set user and password of DATABASE_URL right.",
      );
    case "3D000":
      return says("io", "does not exist", "Create it (createdb), or set DATABASE_URL right.");
    case undefined:
    default:
      return isPassing(error)
        ? says(
            "io",
            `cannot be reached (${code ?? "no answer"})`,
            "Start it, or set DATABASE_URL right, and try again.",
          )
        : says("io", `reports ${code ?? "a failure"}`, "Look into its log, and try again.");
  }
}

const firstCode = (error: AggregateError): string | undefined =>
  error.errors.map(codeOf).find((code) => code !== undefined);
