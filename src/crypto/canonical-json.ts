/** A JSON value of which equal values have equal texts. */
export type CanonicalValue =
  | string
  | number
  | boolean
  | null
  | readonly CanonicalValue[]
  | { readonly [member: string]: CanonicalValue };

/**
 * JSON without spaces and with members sorted by UTF-16 code units at every level.
 * Throws for numbers that are not safe integers: their text differs between implementations.
 */
export function canonicalJson(value: CanonicalValue): string {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new RangeError("canonical JSON holds safe integers only");
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.entries(value)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

const isList = (value: object): value is readonly CanonicalValue[] => Array.isArray(value);

/** Whether `canonicalJson` has a text for it. */
export function isCanonicalValue(value: unknown): value is CanonicalValue {
  if (typeof value === "number") return Number.isSafeInteger(value);
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  return typeof value === "object" && Object.values(value).every(isCanonicalValue);
}
