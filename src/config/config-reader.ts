/** config.toml with its layers: the machine's file, the user's file, `-c` flags, and one thread's overrides on top. */
import { join } from "node:path";
import { decodeConfig } from "./decode-config.ts";
import {
  eachLeaf,
  emptyTable,
  joinDottedKey,
  mergeTables,
  nestValue,
  splitDottedKey,
} from "./dotted-key.ts";
import { layerVersion } from "./layer-version.ts";
import { ConfigError } from "./port.ts";
import type { Config, ConfigLayer, ConfigOrigin, ConfigReader } from "./port.ts";
import { parseSessionFlags } from "./session-flags.ts";
import { FieldError } from "./table-fields.ts";
import { TomlFile } from "./toml-file.ts";
import type { TomlText } from "./toml-file.ts";
import { valuePosition } from "./value-position.ts";

type Table = Readonly<Record<string, unknown>>;

export interface ConfigReaderOptions {
  /** The folder that holds config.toml. */
  readonly codexHome: string;
  /** What `-c` was given, as `key=value`. */
  readonly sessionFlags: readonly string[];
  /** The machine-wide file, weaker than all else; the stock client's place by default. */
  readonly systemFile?: string;
}

/** Throws `ConfigError` when a session flag cannot be read; a file's faults show at `read`. */
export function createConfigReader(options: ConfigReaderOptions): ConfigReader {
  return new FileConfigReader(options);
}

class FileConfigReader implements ConfigReader {
  readonly #system: TomlFile;
  readonly #user: TomlFile;
  readonly #flags: Table;
  #base:
    | { readonly system: TomlText; readonly user: TomlText; readonly config: Config }
    | undefined;

  constructor(options: ConfigReaderOptions) {
    this.#system = new TomlFile(options.systemFile ?? "/etc/codex/config.toml");
    this.#user = new TomlFile(join(options.codexHome, "config.toml"));
    this.#flags = parseSessionFlags(options.sessionFlags);
  }

  read(overrides: Table = {}): Config {
    const system = this.#system.read();
    const user = this.#user.read();
    if (this.#base?.system !== system || this.#base.user !== user) {
      const below = mergeTables(system.table, user.table);
      const config = this.#decode(mergeTables(below, this.#flags), emptyTable());
      this.#base = { system, user, config };
    }
    if (Object.keys(overrides).length === 0) return this.#base.config;
    const table = overrideTable(overrides);
    return this.#decode(mergeTables(this.#base.config.raw, table), table);
  }

  layers(): ReturnType<ConfigReader["layers"]> {
    const layers: ConfigLayer[] = [];
    const add = (name: ConfigOrigin["name"], config: Table): void => {
      layers.push({ name, version: layerVersion(config), config });
    };
    if (Object.keys(this.#flags).length > 0) add({ type: "sessionFlags" }, this.#flags);
    const user = this.#user.read();
    add({ type: "user", file: this.#user.path, profile: null }, user.table);
    add({ type: "system", file: this.#system.path }, this.#system.read().table);

    const origins: Record<string, ConfigOrigin> = {};
    for (const { name, version, config } of layers.toReversed())
      eachLeaf(config, (key) => (origins[key] = { name, version }));
    return { layers, origins };
  }

  #decode(raw: Table, overrides: Table): Config {
    try {
      return decodeConfig(raw);
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      throw new ConfigError(this.#place(error, overrides), { cause: error });
    }
  }

  /** The reason with the place of the strongest layer that holds the value. */
  #place({ path, message }: FieldError, overrides: Table): string {
    const key = joinDottedKey(path);
    if (holds(overrides, path)) return `${message}\nin \`${key}\``;
    if (holds(this.#flags, path)) return `-c ${key}: ${message}`;
    const file = holds(this.#user.read().table, path) ? this.#user : this.#system;
    const position = valuePosition(file.read().text, path);
    const place = position === undefined ? "" : `:${position.line}:${position.column}`;
    return `${file.path}${place}: ${message}`;
  }
}

function overrideTable(overrides: Table): Table {
  return Object.entries(overrides).reduce<Table>((table, [key, value]) => {
    const segments = splitDottedKey(key);
    if (segments === undefined)
      throw new ConfigError(
        `\`${key}\` is not a config key: a segment is empty or a quote is open.`,
      );
    return mergeTables(table, nestValue(segments, value));
  }, emptyTable());
}

function holds(table: Table, path: readonly string[]): boolean {
  let value: unknown = table;
  for (const segment of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, segment)) return false;
    value = Object.entries(value).find(([key]) => key === segment)?.[1];
  }
  return true;
}
