/** Reads typed members from a parsed table. The reasons are worded as the protocol's peers word theirs. */
import { isRecord } from "../util/is-record.ts";
import { emptyTable } from "./dotted-key.ts";

type Table = Readonly<Record<string, unknown>>;

/** A value of the wrong kind; whoever knows the layers says where it stands. */
export class FieldError extends Error {
  override readonly name = "FieldError";
  readonly path: readonly string[];
  /** The value is of a right kind, and still may not be. */
  readonly isRule: boolean;

  constructor(path: readonly string[], reason: string, isRule = false) {
    super(reason);
    this.path = path;
    this.isRule = isRule;
  }
}

export class TableFields {
  readonly #table: Table;
  readonly #path: readonly string[];

  constructor(table: Table, path: readonly string[] = []) {
    this.#table = table;
    this.#path = path;
  }

  string(key: string): string | null {
    const value = this.#table[key] ?? null;
    if (value === null || typeof value === "string") return value;
    return this.#wrongType(key, value, "a string");
  }

  boolean(key: string): boolean | null {
    const value = this.#table[key] ?? null;
    if (value === null || typeof value === "boolean") return value;
    return this.#wrongType(key, value, "a boolean");
  }

  /** A whole number of at least 0. */
  count(key: string): number | null {
    const value = this.#table[key] ?? null;
    if (value === null) return null;
    if (typeof value !== "number" || !Number.isInteger(value))
      return this.#wrongType(key, value, "an unsigned integer");
    if (value >= 0) return value;
    return this.fail(key, `invalid value: integer \`${value}\`, expected an unsigned integer`);
  }

  strings(key: string): readonly string[] | null {
    const value = this.#table[key] ?? null;
    if (value === null) return null;
    if (!Array.isArray(value)) return this.#wrongType(key, value, "a sequence");
    return value.map((element: unknown) =>
      typeof element === "string" ? element : this.#wrongType(key, element, "a string"),
    );
  }

  /** A table of strings; empty when absent. */
  stringMap(key: string): Readonly<Record<string, string>> {
    const map: Record<string, string> = {};
    const table = this.#member(key);
    const fields = new TableFields(table, [...this.#path, key]);
    for (const name of Object.keys(table)) {
      const value = fields.string(name);
      if (value !== null && name !== "__proto__") map[name] = value;
    }
    return map;
  }

  /** One of `variants`; `expected` lists what the message names, when that is more. */
  variant<const T extends string>(
    key: string,
    variants: readonly T[],
    expected: readonly string[] = variants,
  ): T | null {
    const value = this.string(key);
    if (value === null) return null;
    const found = variants.find((variant) => variant === value);
    if (found !== undefined) return found;
    const names = expected.map((name) => `\`${name}\``);
    const list = names.length === 2 ? names.join(" or ") : `one of ${names.join(", ")}`;
    return this.fail(key, `unknown variant \`${value}\`, expected ${list}`);
  }

  /** A list of such. */
  variants<const T extends string>(key: string, variants: readonly T[]): readonly T[] | null {
    return (
      this.strings(key)?.map((name) => {
        const one = new TableFields({ [key]: name }, this.#path).variant(key, variants);
        return one ?? this.fail(key, "it must not be empty");
      }) ?? null
    );
  }

  /** The names of its members. */
  keys(): readonly string[] {
    return Object.keys(this.#table);
  }

  /** Itself, if `key` is in it. */
  required(key: string): this {
    return this.has(key) ? this : this.fail(key, `missing field \`${key}\``);
  }

  /** The fields of each table of a list; none when absent. */
  tableList(key: string): readonly TableFields[] {
    const value = this.#table[key] ?? null;
    if (value === null) return [];
    if (!Array.isArray(value)) return this.#wrongType(key, value, "a sequence");
    return value.map((element: unknown) =>
      isRecord(element)
        ? new TableFields(element, [...this.#path, key])
        : this.#wrongType(key, element, "a map"),
    );
  }

  /** The fields of a table; of an empty one when absent. */
  table(key: string): TableFields {
    return new TableFields(this.#member(key), [...this.#path, key]);
  }

  /** The names and fields of every table in a table. */
  tables(key: string): readonly (readonly [string, TableFields])[] {
    const parent = this.table(key);
    return Object.keys(this.#member(key)).map((name) => [name, parent.table(name)]);
  }

  has(key: string): boolean {
    return this.#table[key] !== undefined;
  }

  raw(key: string): unknown {
    return this.#table[key];
  }

  /** Throws a `FieldError` about `key`, whose value breaks a rule. */
  forbid(key: string, reason: string): never {
    throw new FieldError([...this.#path, key], reason, true);
  }

  /** Throws a `FieldError` about `key`. */
  fail(key: string, reason: string): never {
    throw new FieldError([...this.#path, key], reason);
  }

  #member(key: string): Table {
    const value = this.#table[key] ?? null;
    if (value === null) return emptyTable();
    return isRecord(value) ? value : this.#wrongType(key, value, "a map");
  }

  #wrongType(key: string, value: unknown, expected: string): never {
    return this.fail(key, `invalid type: ${describe(value)}, expected ${expected}`);
  }
}

function describe(value: unknown): string {
  if (typeof value === "string") return `string ${JSON.stringify(value)}`;
  if (typeof value === "boolean") return `boolean \`${value}\``;
  if (typeof value === "number" || typeof value === "bigint")
    return Number.isInteger(Number(value)) ? `integer \`${value}\`` : `floating point \`${value}\``;
  return Array.isArray(value) ? "sequence" : "map";
}
