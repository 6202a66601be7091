/** config.toml in its layers: the machine's file, the user's and a profile's, the project's, `-c` flags and one thread's overrides, and what the machine's owner put over all of them. */
import { join } from "node:path";
import { decodeConfig } from "./decode-config.ts";
import { eachLeaf, emptyTable, joinDottedKey } from "./dotted-key.ts";
import type { FlagSources } from "./feature-flags.ts";
import { flagListing, switchable } from "./feature-flags.ts";
import { effectiveTable } from "./effective-table.ts";
import { LayerStack } from "./layer-stack.ts";
import type { Between, LayerPlaces } from "./layer-stack.ts";
import { ConfigValueError } from "./port.ts";
import type {
  FeatureListing,
  Config,
  ConfigLayer,
  ConfigOrigin,
  ConfigReader,
  LayeredConfig,
  Requirements,
} from "./port.ts";
import type { ProjectLayers } from "./project-layers.ts";
import { projectLayers } from "./project-layers.ts";
import { trustFolders, trustOf } from "./project-trust.ts";
import { overrideTable } from "./session-flags.ts";
import { FieldError } from "./table-fields.ts";
import { TomlFile } from "./toml-file.ts";
import { required } from "./required-config.ts";
import { RequirementsFiles } from "./requirements-files.ts";
import { valuePosition } from "./value-position.ts";

type Table = Readonly<Record<string, unknown>>;

/** Throws `ConfigError` when a session flag cannot be read; a file's faults show at `read`. */
export function createConfigReader(options: LayerPlaces): ConfigReader {
  return new FileConfigReader(options);
}

class FileConfigReader implements ConfigReader {
  readonly #codexHome: string;
  readonly #stack: LayerStack;
  readonly #requirements: RequirementsFiles;
  /** Of this run. */
  #switches: Readonly<Record<string, boolean>> = {};
  #base: { readonly sources: readonly unknown[]; readonly config: Config } | undefined;

  constructor(places: LayerPlaces) {
    this.#codexHome = places.codexHome;
    this.#stack = new LayerStack(places);
    this.#requirements = new RequirementsFiles(places, this.#stack);
  }

  read(overrides: Table = {}, cwd?: string): Config {
    const base = this.#baseConfig();
    if (Object.keys(overrides).length === 0 && cwd === undefined) return base;
    const above = overrideTable(overrides);
    const own = this.#decode({ overrides: above, project: [] });
    if (cwd === undefined) return required(own, this.#requirements.read());
    const { layers, notices } = this.#project(own, cwd);
    const entry = trustOf(own.projects, trustFolders(cwd, own.projectRootMarkers));
    const project = layers.filter(isActive);
    const config = project.length === 0 ? own : this.#decode({ overrides: above, project });
    const trusted = { ...config, projects: own.projects, trustLevel: entry?.level ?? null };
    return required({ ...trusted, notices }, this.#requirements.read());
  }

  features(cwd?: string): readonly FeatureListing[] {
    return flagListing(this.#flags(cwd));
  }

  switchFeatures(wished: Readonly<Record<string, boolean>>): Readonly<Record<string, boolean>> {
    const taken = switchable(wished);
    this.#switches = { ...this.#switches, ...taken };
    return taken;
  }

  #flags(cwd: string | undefined): FlagSources {
    const { raw, requirements } = this.read({}, cwd);
    return { pins: requirements.featurePins, raw, atRuntime: this.#switches };
  }

  requirements(): Requirements {
    return this.#requirements.read();
  }

  layers(cwd?: string): LayeredConfig {
    const project = cwd === undefined ? [] : this.#project(this.#baseConfig(), cwd).layers;
    const layers = this.#stack.layers(project);
    const origins: Record<string, ConfigOrigin> = {};
    for (const { name, version, config } of layers.filter(isActive).toReversed())
      eachLeaf(config, (key) => (origins[key] = { name, version }));
    return { config: effectiveTable(this.#flags(cwd)), layers, origins };
  }

  #baseConfig(): Config {
    const requirements = this.#requirements.read();
    const sources = [requirements, ...this.#stack.texts()];
    const base = this.#base;
    if (base && sources.every((source, index) => source === base.sources[index]))
      return base.config;
    const decoded = this.#decode({ overrides: emptyTable(), project: [] });
    const config = required(decoded, requirements);
    this.#base = { sources, config };
    return config;
  }

  #project(own: Config, cwd: string): ProjectLayers {
    return projectLayers({
      cwd,
      codexHome: this.#codexHome,
      rootMarkers: own.projectRootMarkers,
      projects: own.projects,
      userFile: this.#stack.user.file.path,
    });
  }

  #decode(between: Between): Config {
    try {
      return decodeConfig(this.#stack.merged(between));
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      throw new ConfigValueError(this.#place(error, between), {
        reason: error.message,
        key: joinDottedKey(error.path),
        cause: error,
      });
    }
  }

  /** The reason with the place of the strongest layer that holds the value. */
  #place({ path, message }: FieldError, { overrides, project }: Between): string {
    const { managed, flags, below, user } = this.#stack;
    const key = joinDottedKey(path);
    const inFile = (file: TomlFile): string => {
      const position = valuePosition(file.read().text, path);
      const place = position === undefined ? "" : `:${position.line}:${position.column}`;
      return `${file.path}${place}: ${message}`;
    };
    if (holds(managed.table(), path)) return inFile(managed.file);
    if (holds(overrides, path)) return `${message}\nin \`${key}\`\n`;
    if (holds(flags, path)) return `-c ${key}: ${message}`;
    const layer = project.find(({ config }) => holds(config, path));
    if (layer?.name.type === "project")
      return inFile(new TomlFile(join(layer.name.dotCodexFolder, "config.toml")));
    return inFile((below.find((file) => holds(file.table(), path)) ?? user).file);
  }
}

const isActive = ({ disabledReason }: ConfigLayer): boolean => disabledReason === null;

function holds(table: Table, path: readonly string[]): boolean {
  let value: unknown = table;
  for (const segment of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, segment)) return false;
    value = Object.entries(value).find(([key]) => key === segment)?.[1];
  }
  return true;
}
