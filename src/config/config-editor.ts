/** Changes of the user's config.toml: checked before they are written, written whole, and nobody else's in between. */
import { resolve } from "node:path";
import { decodeConfig } from "./decode-config.ts";
import { emptyTable, joinDottedKey } from "./dotted-key.ts";
import type { LayerPlaces } from "./layer-stack.ts";
import { LayerStack } from "./layer-stack.ts";
import { layerVersion } from "./layer-version.ts";
import type { ConfigChange, ConfigEditor, ConfigLayer, ConfigWritten } from "./port.ts";
import { ConfigWriteError } from "./port.ts";
import { trustFolders, trustOf, trustTarget } from "./project-trust.ts";
import { linkTarget, replaceFile } from "./replaced-file.ts";
import { overrideTable } from "./session-flags.ts";
import { switchesIn } from "./feature-flags.ts";
import { RequirementsFiles } from "./requirements-files.ts";
import { FieldError } from "./table-fields.ts";
import type { TableEdit } from "./table-edit.ts";
import { tableEdit, valueAt } from "./table-edit.ts";
import { editToml } from "./toml-edit.ts";
import { parseToml } from "./toml-file.ts";
import { withLock } from "./write-lock.ts";

type Table = Readonly<Record<string, unknown>>;

/** Throws `ConfigError` when a session flag cannot be read. */
export function createConfigEditor(places: LayerPlaces): ConfigEditor {
  return new FileConfigEditor(places);
}

class FileConfigEditor implements ConfigEditor {
  readonly #stack: LayerStack;
  readonly #requirements: RequirementsFiles;
  #last: Promise<unknown> = Promise.resolve();

  constructor(places: LayerPlaces) {
    this.#stack = new LayerStack(places);
    this.#requirements = new RequirementsFiles(places, this.#stack);
  }

  get #path(): string {
    return this.#stack.user.file.path;
  }

  write({ edits, filePath, expectedVersion }: ConfigChange): Promise<ConfigWritten> {
    return this.#alone(() => {
      if (filePath !== undefined && !this.#isUserFile(filePath))
        throw new ConfigWriteError(
          "configLayerReadonly",
          "Only writes to the user config are allowed",
        );
      const text = this.#stack.user.text();
      if (expectedVersion !== undefined && expectedVersion !== this.#stack.user.layer().version)
        throw new ConfigWriteError(
          "configVersionConflict",
          "Configuration was modified since last read. Fetch latest version and retry.",
        );
      const changes = edits.map(tableEdit);
      const after = editToml(text.text, changes, this.#path);
      const layer = this.#stack.user.layerOf(parseToml(after, this.#path));
      this.#check(layer);
      if (after !== text.text) replaceFile(this.#path, after);
      return {
        version: layer.version,
        filePath: filePath ?? this.#path,
        overridden: this.#overridden(changes, layer),
      };
    });
  }

  trust(cwd: string, overrides: Table): Promise<boolean> {
    return this.#alone(() => {
      const between = { overrides: overrideTable(overrides), project: [] };
      const known = decodeConfig(this.#stack.merged(between));
      const folders = trustFolders(cwd, known.projectRootMarkers);
      if (trustOf(known.projects, folders)) return false;
      const path = ["projects", trustTarget(cwd), "trust_level"];
      const edit = { path, value: "trusted", isMerge: false };
      replaceFile(this.#path, editToml(this.#stack.user.text().text, [edit], this.#path));
      return true;
    });
  }

  /** One after another in this host, and under the lock that other hosts take too. */
  #alone<T>(work: () => T): Promise<T> {
    const run = (): Promise<T> => withLock(`${linkTarget(this.#path)}.lock`, work);
    const result = this.#last.then(run);
    this.#last = result.catch(() => {});
    return result;
  }

  #isUserFile(path: string): boolean {
    if (!path.startsWith("/")) return false;
    return resolve(path) === this.#path || linkTarget(path) === linkTarget(this.#path);
  }

  /** By itself, and as part of the whole. */
  #check(layer: ConfigLayer): void {
    const nothing = { overrides: emptyTable(), project: [] };
    try {
      decodeConfig(layer.config);
      decodeConfig(this.#stack.merged(nothing, layer.config));
      const fault = this.#requirements.read().featureFault(switchesIn(layer.config));
      if (fault !== undefined) throw new FieldError(["features"], fault, true);
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      const place = error.isRule ? "" : `\nin \`${joinDottedKey(error.path)}\`\n`;
      throw new ConfigWriteError(
        "configValidationError",
        `Invalid configuration: ${error.message}${place}`,
        error,
      );
    }
  }

  /** The first of the changes that a stronger layer hides. */
  #overridden(changes: readonly TableEdit[], { config }: ConfigLayer): ConfigWritten["overridden"] {
    const layers = this.#stack.layers([]);
    const above = layers.slice(
      0,
      layers.findIndex(({ name }) => name.type === "user" && name.profile === null),
    );
    const effective = this.#stack.merged({ overrides: emptyTable(), project: [] }, config);
    for (const { path } of changes) {
      const value = valueAt(effective, path);
      if (layerVersion({ value }) === layerVersion({ value: valueAt(config, path) })) continue;
      const by = above.find((layer) => valueAt(layer.config, path) !== undefined);
      if (by) return { by: { name: by.name, version: by.version }, value };
    }
    return undefined;
  }
}
