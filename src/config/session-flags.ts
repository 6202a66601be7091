/** `-c key=value` of the command line, and the keys of one thread: dotted keys, values in TOML or else plain text. */
import { mergeTables, emptyTable, nestValue, splitDottedKey } from "./dotted-key.ts";
import { ConfigError } from "./port.ts";
import { parseToml } from "./toml-file.ts";

/** The flags as one table; later ones win. Throws `ConfigError` for a flag without a key or a `=`. */
export function parseSessionFlags(flags: readonly string[]): Readonly<Record<string, unknown>> {
  return flags.reduce(
    (table, flag) => mergeTables(table, parseFlag(flag)),
    Object.freeze(emptyTable()),
  );
}

function parseFlag(flag: string): Readonly<Record<string, unknown>> {
  const equals = flag.indexOf("=");
  if (equals < 0)
    throw new ConfigError(
      `error parsing -c overrides: Invalid override (missing '='): ${flag}. Write it as -c key=value.`,
    );
  const key = flag.slice(0, equals).trim();
  const segments = splitDottedKey(key);
  if (segments === undefined) {
    const fault = key === "" ? "Empty key in override" : "Empty or unclosed segment in the key of";
    throw new ConfigError(
      `error parsing -c overrides: ${fault}: ${flag}. Write it as -c key=value, for example -c model_providers.mine.base_url=URL.`,
    );
  }
  return nestValue(segments, parseValue(flag.slice(equals + 1).trim()));
}

function parseValue(text: string): unknown {
  try {
    const table = parseToml(`value = ${text}`, "-c");
    if (Object.keys(table).length === 1) return table["value"];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
  return text.replace(/^(["'])(.*)\1$/s, "$2");
}

/** Dotted keys of one thread as one table. Throws `ConfigError`. */
export function overrideTable(
  overrides: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return Object.entries(overrides).reduce<Readonly<Record<string, unknown>>>(
    (table, [key, value]) => {
      const segments = splitDottedKey(key);
      if (segments === undefined)
        throw new ConfigError(
          `\`${key}\` is not a config key: a segment is empty or a quote is open.`,
        );
      return mergeTables(table, nestValue(segments, value));
    },
    emptyTable(),
  );
}
