/** Reading members of parsed JSON whose shape is not known for sure. */
export type Json = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The record, or an empty one. */
export const recordOf = (value: unknown): Json => (isRecord(value) ? value : {});

export const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);

export const numberOf = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const textsOf = (value: unknown): string[] =>
  listOf(value).filter((entry) => typeof entry === "string");

/** The parsed line, or undefined where it is no JSON object (a torn line, a foreign one). */
export function parseRecord(line: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const toSnake = (key: string): string => key.replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
const toCamel = (key: string): string =>
  key.replaceAll(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase());

function mapKeys(value: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((entry: unknown) => mapKeys(entry, rename));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [rename(key), mapKeys(member, rename)]),
  );
}

/** `internalServerError` or `{ httpFailed: { httpStatus: 1 } }` in the file's spelling, at every depth. */
export const snakeValue = (value: unknown): unknown =>
  typeof value === "string" ? toSnake(value) : mapKeys(value, toSnake);

/** The reverse of `snakeValue`. */
export const camelValue = (value: unknown): unknown =>
  typeof value === "string" ? toCamel(value) : mapKeys(value, toCamel);

/** Top-level member names alone in the file's spelling. */
export const snakeMembers = (value: Json): Json =>
  Object.fromEntries(Object.entries(value).map(([key, member]) => [toSnake(key), member]));

export const camelMembers = (value: Json): Json =>
  Object.fromEntries(Object.entries(value).map(([key, member]) => [toCamel(key), member]));

export const snakeName = toSnake;
export const camelName = toCamel;
