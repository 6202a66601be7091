/** How a device stands in a table. */
import { isRecord } from "../util/is-record.ts";

export const deviceHead = [
  "ID",
  "KIND",
  "NAME",
  "ROLE",
  "ADDED",
  "LAST SEEN",
  "EXPIRES",
  "SCOPE",
  "FINGERPRINT",
] as const;

export const deviceCells = (row: Readonly<Record<string, unknown>>): string[] => [
  textOr(row["id"]),
  textOr(row["kind"]),
  textOr(row["name"]),
  typeof row["roleUntilMs"] === "number"
    ? `${textOr(row["role"])} until ${time(row["roleUntilMs"])}`
    : textOr(row["role"]),
  time(row["createdAtMs"]),
  time(row["lastSeenAtMs"]),
  time(row["expiresAtMs"]),
  scopeText(row["scope"]),
  textOr(row["fingerprint"]),
];

/** The text, or a dash. */
export const textOr = (value: unknown): string => (typeof value === "string" ? value : "-");

export const time = (value: unknown): string =>
  typeof value === "number" ? `${new Date(value).toISOString().slice(0, 16)}Z` : "-";

function scopeText(scope: unknown): string {
  if (!isRecord(scope)) return "-";
  const parts: unknown[] = [scope["projects"], scope["threads"]].flat();
  return parts.filter((part) => typeof part === "string").join(" ");
}
