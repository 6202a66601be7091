/** Reads the JSON arguments of a function call. What does not fit is told to the model in one sentence. */
import { isRecord } from "../util/is-record.ts";

/** The call cannot be done as it was written; `message` goes to the model as the call's output. */
export class CallError extends Error {
  override readonly name = "CallError";
}

function refuse(detail: string): never {
  throw new CallError(`failed to parse function arguments: ${detail}`);
}

/** Such a text has no bytes: what runs or is written would not be what was shown. */
export const hasHalfCharacter = (text: string): boolean => /\p{Cs}/u.test(text);

export class Arguments {
  readonly #values: Readonly<Record<string, unknown>>;

  /** Throws `CallError` unless `json` is an object. An empty text counts as an empty object. */
  constructor(json: string) {
    let value: unknown;
    try {
      value = json.trim() === "" ? {} : JSON.parse(json);
    } catch (error) {
      refuse(error instanceof Error ? error.message : "not JSON");
    }
    this.#values = isRecord(value) ? value : refuse("expected an object");
  }

  text(name: string): string {
    return this.optionalText(name) ?? refuse(`missing field \`${name}\``);
  }

  optionalText(name: string): string | undefined {
    const value = this.#values[name] ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value !== "string") refuse(`\`${name}\` must be a string`);
    if (hasHalfCharacter(value)) refuse(`\`${name}\` holds half a character (a lone surrogate)`);
    return value;
  }

  optionalFlag(name: string): boolean | undefined {
    const value = this.#values[name] ?? undefined;
    return value === undefined || typeof value === "boolean"
      ? value
      : refuse(`\`${name}\` must be true or false`);
  }

  count(name: string): number {
    return this.optionalCount(name) ?? refuse(`missing field \`${name}\``);
  }

  /** A number of at least 0; a fraction is cut off. */
  optionalCount(name: string): number | undefined {
    const value = this.#values[name] ?? undefined;
    if (value === undefined) return undefined;
    return typeof value === "number" && Number.isFinite(value) && value >= 0
      ? Math.floor(value)
      : refuse(`\`${name}\` must be a number of at least 0`);
  }

  list(name: string): readonly unknown[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value : refuse(`\`${name}\` must be a list`);
  }

  /** Whatever it is. */
  member(name: string): unknown {
    return this.optionalMember(name) ?? refuse(`missing field \`${name}\``);
  }

  /** Null counts as absent. */
  optionalMember(name: string): unknown {
    return this.#values[name] ?? undefined;
  }

  /** Throws `CallError` with what is wrong. */
  refuse(detail: string): never {
    return refuse(detail);
  }
}
