/** One TOML file on disk: parsed when it changed, never more often. */
import { readFileSync, statSync } from "node:fs";
import { parse, TomlDate, TomlError } from "smol-toml";
import { isRecord } from "../util/is-record.ts";
import { emptyTable } from "./dotted-key.ts";
import { ConfigError } from "./port.ts";

export interface TomlText {
  readonly table: Readonly<Record<string, unknown>>;
  /** The text it was parsed from; empty where there is no file. */
  readonly text: string;
}

const NOTHING: TomlText = { table: emptyTable(), text: "" };

/** smol-toml's first lines -> the words that Codex uses for the same fault, where clients compare them. */
const REASONS = new Map([
  ["trying to redefine an already defined table or value", "duplicate key"],
]);

/** Parses TOML into JSON-like values: tables without prototypes, dates as their text. Throws `ConfigError`: `NAME:LINE:COLUMN: reason`. */
export function parseToml(text: string, name: string): Readonly<Record<string, unknown>> {
  try {
    const plain = plainValue(parse(text, { unsafeKeyBehaviour: "drop" }));
    return isRecord(plain) ? plain : emptyTable();
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = reasonOf(error, text);
    throw new ConfigError(`${name}:${error.line}:${error.column}: ${reason}`, { cause: error });
  }
}

export class TomlFile {
  readonly path: string;
  #stamp = "";
  #content: TomlText | ConfigError = NOTHING;

  constructor(path: string) {
    this.path = path;
  }

  /** The file as it is now; empty when there is none. The same object while the file stays the same. Throws `ConfigError`. */
  read(): TomlText {
    const stamp = this.#currentStamp();
    if (stamp !== this.#stamp) {
      this.#content = this.#load(stamp);
      this.#stamp = stamp;
    }
    if (this.#content instanceof ConfigError) throw this.#content;
    return this.#content;
  }

  #currentStamp(): string {
    try {
      const stat = statSync(this.path, { bigint: true });
      return `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
    } catch (error) {
      return isMissing(error) ? "" : `unreadable:${Date.now()}`;
    }
  }

  #load(stamp: string): TomlText | ConfigError {
    if (stamp === "") return NOTHING;
    try {
      const text = readFileSync(this.path, "utf8");
      return { text, table: parseToml(text, this.path) };
    } catch (error) {
      if (error instanceof ConfigError) return error;
      if (isMissing(error)) return NOTHING;
      const why = error instanceof Error ? error.message : String(error);
      return new ConfigError(`${this.path} cannot be read (${why}). Check its permissions.`, {
        cause: error,
      });
    }
  }
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT" || code === "ENOTDIR";
}

function reasonOf(error: TomlError, text: string): string {
  const first = error.message.split("\n", 1)[0] ?? "";
  const reason = first.replace(/^Invalid TOML document: /, "");
  const line = text.split("\n")[error.line - 1] ?? "";
  const at = line.slice(error.column - 1);
  if (reason === "invalid value" && line.includes("=") && !/^["'[{]/.test(at))
    return "string values must be quoted, expected literal string";
  if (reason === "illegal character in key" && at.trim() === "")
    return "unclosed table, expected `]`";
  return REASONS.get(reason) ?? reason;
}

function plainValue(value: unknown): unknown {
  if (value instanceof TomlDate) return value.toISOString();
  if (Array.isArray(value)) return value.map(plainValue);
  if (!isRecord(value)) return value;
  const table = emptyTable();
  for (const [key, member] of Object.entries(value)) table[key] = plainValue(member);
  return table;
}
