/** The layers that are not a project's, with their files: what stands in them now, and in which order. */
import { join } from "node:path";
import { emptyTable, mergeTables } from "./dotted-key.ts";
import { withoutDisplaced } from "./environment-settings.ts";
import { absolutePathsIn } from "./layer-paths.ts";
import { layerVersion } from "./layer-version.ts";
import { ConfigError } from "./port.ts";
import type { CloudRequirements, ConfigLayer, ConfigLayerName } from "./port.ts";
import { parseSessionFlags } from "./session-flags.ts";
import { TomlFile } from "./toml-file.ts";
import type { TomlText } from "./toml-file.ts";

type Table = Readonly<Record<string, unknown>>;

export interface LayerPlaces {
  /** The folder that holds config.toml. */
  readonly codexHome: string;
  /** The folder of the machine's owner: config.toml, weaker than all else, managed_config.toml, stronger, and requirements.toml. */
  readonly systemFolder: string;
  /** What `-c` was given, as `key=value`. */
  readonly sessionFlags: readonly string[];
  /** `NAME.config.toml` beside config.toml lies over it. */
  readonly profile?: string | undefined;
  /** Requirements from elsewhere, stronger than those in `systemFolder`. */
  readonly cloud?: CloudRequirements | undefined;
  /** The name by which rules for some hosts know this one; absent: the system's. */
  readonly hostName?: () => string;
}

/** What lies between the files. */
export interface Between {
  readonly overrides: Table;
  /** Innermost first. */
  readonly project: readonly ConfigLayer[];
}

export class LayerStack {
  readonly managed: LayerFile;
  readonly user: LayerFile;
  readonly flags: Table;
  /** Strongest first: the profile's, the user's, the machine's. */
  readonly below: readonly LayerFile[];

  /** Throws `ConfigError` when a session flag or the profile's name cannot be read. */
  constructor({ codexHome, systemFolder, sessionFlags, profile }: LayerPlaces) {
    const managed = join(systemFolder, "managed_config.toml");
    const system = join(systemFolder, "config.toml");
    const user = join(codexHome, "config.toml");
    this.managed = new LayerFile(
      { type: "legacyManagedConfigTomlFromFile", file: managed },
      managed,
      systemFolder,
    );
    this.user = new LayerFile({ type: "user", file: user, profile: null }, user, codexHome);
    this.below = [
      ...(profile === undefined ? [] : [profileLayer(codexHome, profile)]),
      this.user,
      new LayerFile({ type: "system", file: system }, system, systemFolder),
    ];
    this.flags = parseSessionFlags(sessionFlags);
  }

  /** What the files hold: the same objects while they stay the same. */
  texts(): readonly TomlText[] {
    return [this.managed, ...this.below].map((file) => file.text());
  }

  /** All of it, strongest first; a layer that nobody uses is left out, but for the user's and the machine's files. */
  layers(project: readonly ConfigLayer[]): readonly ConfigLayer[] {
    const flags: ConfigLayer = {
      name: { type: "sessionFlags" },
      version: layerVersion(this.flags),
      config: this.flags,
      disabledReason: null,
    };
    return [
      ...(this.managed.text().text === "" ? [] : [this.managed.layer()]),
      ...(Object.keys(this.flags).length > 0 ? [flags] : []),
      ...project,
      ...this.below.map((file) => file.layer()),
    ];
  }

  /** One table over the other. `user`: in the place of what the user's file holds. */
  merged({ overrides, project }: Between, user?: Table): Table {
    const strongestFirst = [
      this.managed.table(),
      overrides,
      this.flags,
      ...project.map(({ config }) => config),
      ...this.below.map((file) => (file === this.user && user ? user : file.table())),
    ];
    return strongestFirst
      .toReversed()
      .reduce((base, over) => mergeTables(withoutDisplaced(base, over), over), emptyTable());
  }
}

/** A file that is a layer of its own. */
class LayerFile {
  readonly file: TomlFile;
  readonly #name: ConfigLayerName;
  readonly #folder: string;
  #known: { readonly text: TomlText; readonly layer: ConfigLayer } | undefined;

  /** `folder`: what relative paths in it count from. */
  constructor(name: ConfigLayerName, path: string, folder: string) {
    this.file = new TomlFile(path);
    this.#name = name;
    this.#folder = folder;
  }

  text(): TomlText {
    return this.file.read();
  }

  table(): Table {
    return this.layer().config;
  }

  layer(): ConfigLayer {
    const text = this.text();
    if (this.#known?.text === text) return this.#known.layer;
    const layer = this.layerOf(text.table);
    this.#known = { text, layer };
    return layer;
  }

  /** The layer that it would be with this table in the file. */
  layerOf(table: Table): ConfigLayer {
    const config = absolutePathsIn(table, this.#folder);
    return { name: this.#name, version: layerVersion(config), config, disabledReason: null };
  }
}

function profileLayer(codexHome: string, profile: string): LayerFile {
  if (!/^[\w-]+$/.test(profile))
    throw new ConfigError(
      `--profile ${profile}: a profile's name holds letters, digits, "-" and "_". Its settings are in NAME.config.toml beside config.toml.`,
    );
  const file = join(codexHome, `${profile}.config.toml`);
  return new LayerFile({ type: "user", file, profile }, file, codexHome);
}
