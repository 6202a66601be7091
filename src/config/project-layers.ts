/** `.codex/config.toml` of a project: from its root down to the folder that work goes on in, where the project is trusted. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { isRecord } from "../util/is-record.ts";
import { layerVersion } from "./layer-version.ts";
import { emptyTable } from "./dotted-key.ts";
import { absolutePathsIn } from "./layer-paths.ts";
import { ConfigError } from "./port.ts";
import type { ConfigLayer, TrustLevel } from "./port.ts";
import { projectFolders, realFolder, repositoryRoot, trustOf } from "./project-trust.ts";
import { TomlFile } from "./toml-file.ts";

type Table = Readonly<Record<string, unknown>>;

/** Where requests and credentials go, and what is run beside them, is the user's to say: a repository could send them anywhere. */
const refusedKeys = [
  "openai_base_url",
  "chatgpt_base_url",
  "apps_mcp_product_sku",
  "model_provider",
  "model_providers",
  "notify",
  "profile",
  "profiles",
  "experimental_realtime_webrtc_call_base_url",
  "experimental_realtime_ws_base_url",
  "otel",
] as const;

/** A repository may shape the agent's environment, and not hand it the host's secrets. */
const policyKey = "shell_environment_policy";
const refusedMember = "ignore_default_excludes";

export interface ProjectQuestion {
  readonly cwd: string;
  readonly codexHome: string;
  readonly rootMarkers: readonly string[];
  readonly projects: ReadonlyMap<string, TrustLevel>;
  /** The file in which people mark a project. */
  readonly userFile: string;
}

export interface ProjectLayers {
  /** The innermost first; those of an untrusted project with the reason why they do not count. */
  readonly layers: readonly ConfigLayer[];
  /** Sentences for people: what was left aside. */
  readonly notices: readonly string[];
}

/** Throws `ConfigError` when the file of a trusted project cannot be read. */
export function projectLayers(question: ProjectQuestion): ProjectLayers {
  const folders = projectFolders(question.cwd, question.rootMarkers);
  const home = realFolder(question.codexHome);
  const owned = folders
    .map((folder) => ({ folder, dotCodexFolder: join(folder, ".codex") }))
    .filter(({ dotCodexFolder }) => holdsSomething(dotCodexFolder))
    .filter(({ dotCodexFolder }) => realFolder(dotCodexFolder) !== home);
  if (owned.length === 0) return { layers: [], notices: [] };

  const root = folders.at(-1) ?? question.cwd;
  const repository = repositoryRoot(question.cwd);
  const notices: string[] = [];
  const layers = owned.map(({ folder, dotCodexFolder }): ConfigLayer => {
    const entry = trustOf(question.projects, [folder, root, ...(repository ? [repository] : [])]);
    const disabledReason =
      entry?.level === "trusted"
        ? null
        : entry
          ? `${entry.folder} is marked as untrusted in the effective configuration. ${howToTrust} update its trust setting. If that setting is managed by your organization, contact your administrator.`
          : `${howToTrust} add ${repository ?? root} as a trusted project in ${question.userFile}.`;
    const file = new TomlFile(join(dotCodexFolder, "config.toml"));
    const { allowed, refused } = sift(tableOf(file, disabledReason !== null));
    if (disabledReason === null && refused.length > 0)
      notices.push(
        `Ignored unsupported project-local config keys in ${file.path}: ${refused.join(", ")}. If you want these settings to apply, manually set them in your user-level config.toml.`,
      );
    const config = absolutePathsIn(allowed, dotCodexFolder);
    return {
      name: { type: "project", dotCodexFolder },
      version: layerVersion(config),
      config,
      disabledReason,
    };
  });
  const disabled = layers.filter(({ disabledReason }) => disabledReason !== null);
  if (disabled.length > 0) notices.push(disabledNotice(disabled));
  return { layers, notices };
}

const howToTrust = "To load project-local config, hooks, and exec policies,";

const disabledNotice = (layers: readonly ConfigLayer[]): string =>
  [
    "Project-local config, hooks, and exec policies are disabled in the following folders until the project is trusted, but skills still load.",
    ...layers.flatMap(({ name, disabledReason }, index) => [
      `    ${index + 1}. ${name.type === "project" ? name.dotCodexFolder : ""}`,
      `       ${disabledReason}`,
    ]),
    "",
  ].join("\n");

/** A file that does not count need not be readable. */
function tableOf(file: TomlFile, isLenient: boolean): Table {
  try {
    return file.read().table;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (isLenient) return emptyTable();
    throw new ConfigError(`Error parsing project config file ${error.message}`, { cause: error });
  }
}

function sift(table: Table): { readonly allowed: Table; readonly refused: readonly string[] } {
  const allowed = Object.assign(emptyTable(), table);
  const refused: string[] = [];
  for (const key of refusedKeys.filter((name) => Object.hasOwn(table, name))) {
    refused.push(key);
    delete allowed[key];
  }
  const policy = table[policyKey];
  if (isRecord(policy) && Object.hasOwn(policy, refusedMember)) {
    refused.push(`${policyKey}.${refusedMember}`);
    const { [refusedMember]: _, ...rest } = policy;
    allowed[policyKey] = rest;
  }
  return refused.length === 0 ? { allowed: table, refused } : { allowed, refused };
}

/** An empty folder may stand there only so that no command makes one. One that cannot be read may hold anything. */
function holdsSomething(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return code !== "ENOENT" && code !== "ENOTDIR";
  }
}
