/** JSON in which a member can be read in one way only, for what is signed by others. */

export type JsonObject = Readonly<Record<string, unknown>>;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Parses UTF-8 bytes that hold one JSON object. Undefined for bad UTF-8, bad JSON, other values,
 * a member that stands twice at any level, and a member `__proto__`.
 */
export function parseStrictObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) && membersAreUnique(text) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Strings and punctuation of JSON that is known to be well formed. */
const token = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;

function membersAreUnique(json: string): boolean {
  const open: Set<unknown>[] = [];
  let text = "";
  for (const [part] of json.matchAll(token)) {
    if (part === "{" || part === "[") open.push(new Set());
    else if (part === "}" || part === "]") open.pop();
    else if (part !== ":") text = part;
    else {
      const name: unknown = JSON.parse(text);
      const members = open.at(-1);
      if (name === "__proto__" || members?.has(name)) return false;
      members?.add(name);
    }
  }
  return true;
}
