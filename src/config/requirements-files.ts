/** The sources of requirements, strongest first: the cloud's, what managed_config.toml says, requirements.toml of this machine. */
import { join } from "node:path";
import { joinDottedKey } from "./dotted-key.ts";
import { hostNameOnce } from "./host-pattern.ts";
import type { LayerPlaces, LayerStack } from "./layer-stack.ts";
import type { CloudRequirements, Requirements } from "./port.ts";
import { ConfigError } from "./port.ts";
import type { RequirementsLayer } from "./requirements.ts";
import { mergeRequirements } from "./requirements.ts";
import type { RequirementsTable } from "./requirements-table.ts";
import { decodeRequirements, demandsOf } from "./requirements-table.ts";
import { FieldError } from "./table-fields.ts";
import { parseToml, TomlFile } from "./toml-file.ts";

type Table = Readonly<Record<string, unknown>>;

export class RequirementsFiles {
  readonly #cloud: CloudRequirements | undefined;
  readonly #file: TomlFile;
  readonly #stack: LayerStack;
  readonly #hostName: () => string;
  #known: { readonly sources: readonly unknown[]; readonly merged: Requirements } | undefined;

  constructor({ systemFolder, cloud, hostName }: LayerPlaces, stack: LayerStack) {
    this.#cloud = cloud;
    this.#file = new TomlFile(join(systemFolder, "requirements.toml"));
    this.#stack = stack;
    this.#hostName = hostName ?? hostNameOnce();
  }

  /** The same object while nothing changed. Throws `ConfigError` when a source cannot be read: then nothing is allowed. */
  read(): Requirements {
    const { managed } = this.#stack;
    const sources = [this.#cloud?.text(), managed.text(), this.#text()] as const;
    const [cloud, , own] = sources;
    if (this.#known && sources.every((source, index) => source === this.#known?.sources[index]))
      return this.#known.merged;
    const cloudName = "cloud requirements (workspace-managed policies)";
    const layers: RequirementsLayer[] = [];
    if (cloud !== undefined)
      layers.push(layerOf(cloudName, () => this.#decoded(parseToml(cloud, cloudName))));
    layers.push(layerOf(managed.file.path, () => demandsOf(managed.text().table)));
    layers.push(layerOf(this.#file.path, () => this.#decoded(own.table)));
    const merged = mergeRequirements(layers);
    this.#known = { sources, merged };
    return merged;
  }

  #text(): ReturnType<TomlFile["read"]> {
    try {
      return this.#file.read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw new ConfigError(`failed to parse requirements layer ${error.message}`, {
        cause: error,
      });
    }
  }

  #decoded(table: Table): RequirementsTable {
    return decodeRequirements(table, this.#hostName);
  }
}

function layerOf(source: string, table: () => RequirementsTable): RequirementsLayer {
  try {
    return { source, table: table() };
  } catch (error) {
    if (error instanceof FieldError)
      throw new ConfigError(
        `failed to parse requirements layer ${source}: ${error.message}\nin \`${joinDottedKey(error.path)}\`\n`,
        { cause: error },
      );
    if (error instanceof ConfigError)
      throw new ConfigError(`failed to parse requirements layer ${error.message}`, {
        cause: error,
      });
    throw error;
  }
}
