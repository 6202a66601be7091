import { resolve } from "node:path";
import type { Config, ConfigReader } from "../config/port.ts";
import type { Publisher } from "../events/port.ts";
import type { Models } from "../model/port.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { ProfileError } from "../permissions/named-profile.ts";
import { ThreadId } from "../protocol/ids.ts";
import type {
  History,
  ThreadMeta,
  ThreadRecord,
  ThreadStore,
  ThreadWriter,
} from "../store/port.ts";
import { uuidV7 } from "../util/uuid-v7.ts";
import { readGitInfo } from "./git-info.ts";
import type { ProjectDoc } from "./instructions.ts";
import { LoadedThread, noPast } from "./loaded-thread.ts";
import { isArchived, noRollout } from "./loaded-threads.ts";
import type { ForkOptions, ResumeOptions, SettingsOverride, StartOptions } from "./port.ts";
import { clientError } from "./store-errors.ts";
import type { ThreadSettings } from "./settings.ts";
import { initialSettings } from "./settings.ts";

export interface LoaderPorts {
  readonly store: ThreadStore;
  readonly publisher: Publisher;
  readonly models: Models;
  readonly config: ConfigReader;
  /** The folder of threads whose caller names none. */
  readonly defaultCwd: string;
  /** The project's instructions for work in `cwd`. */
  docs(cwd: string): Promise<readonly ProjectDoc[]>;
  /** The protocol generation, kept as the version of the program that made the thread. */
  readonly cliVersion: string;
}

type RememberedAs = ConstructorParameters<typeof LoadedThread>[1];

/** An ephemeral thread is kept nowhere. */
const nowhere: ThreadWriter = { append: () => Promise.resolve(), close: () => Promise.resolve() };

/** Makes threads in memory: new ones, and those that the store remembers. */
export class ThreadLoader {
  readonly #ports: LoaderPorts;

  constructor(ports: LoaderPorts) {
    this.#ports = ports;
  }

  async create(options: StartOptions): Promise<LoadedThread> {
    const { store, publisher } = this.#ports;
    const settings = this.#settings(options, {});
    const meta = await this.#meta(settings, options);
    const instructionSources = await this.#sources(settings.cwd);
    return new LoadedThread(meta, {
      settings,
      past: noPast(meta.createdAtMs),
      writer: options.ephemeral ? nowhere : store.create(meta),
      publisher,
      path: options.ephemeral ? null : store.pathOf(meta),
      ephemeral: options.ephemeral,
      stored: false,
      instructionSources,
      unloadDelayMs: this.#unloadDelayMs(options),
    });
  }

  /** A new thread with another one's past, under the model of the configuration. */
  async fork(
    source: ThreadId,
    { ephemeral, lastTurnId, beforeTurnId, includeTurns, ...options }: ForkOptions,
  ): Promise<LoadedThread> {
    const { store } = this.#ports;
    try {
      const origin = await store.find(source);
      refuseArchived(origin);
      if (ephemeral && includeTurns && origin?.historyMode === "paginated") {
        throw invalidRequest("ephemeral paginated thread/fork requires `excludeTurns: true`");
      }
      const past = await store.load(source);
      const settings = this.#settings(options, past);
      const meta = await this.#meta(settings, options, past.record);
      const unloadDelayMs = this.#unloadDelayMs(options);
      if (ephemeral)
        return await this.#remembered(meta, past, {
          settings,
          writer: nowhere,
          ephemeral,
          unloadDelayMs,
        });
      const cut =
        lastTurnId !== undefined
          ? { lastTurnId }
          : beforeTurnId !== undefined
            ? { beforeTurnId }
            : undefined;
      const writer = await store.fork(source, meta, cut);
      if (origin?.name) await store.rename(meta.id, origin.name);
      return await this.#remembered(meta, await store.load(meta.id), {
        settings,
        writer,
        ephemeral,
        unloadDelayMs,
      });
    } catch (error) {
      const turn = lastTurnId ?? beforeTurnId;
      const known = turn !== undefined && (await store.find(source));
      throw clientError(error, known ? `turn not found: ${turn}` : noRollout(source));
    }
  }

  /** A thread that the store knows, with its past, open for more. */
  async load(id: ThreadId, options: Omit<ResumeOptions, "includeTurns">): Promise<LoadedThread> {
    const { store } = this.#ports;
    let writer: ThreadWriter | undefined;
    try {
      // First the right to write, then the past: nobody else adds to it in between.
      refuseArchived(await store.find(id));
      writer = await store.open(id);
      const history = await store.load(id);
      const settings = this.#settings({ ...options, ...modelChoice(options, history) }, history);
      return await this.#remembered(history.record, history, {
        settings,
        writer,
        ephemeral: false,
        unloadDelayMs: this.#unloadDelayMs(options),
      });
    } catch (error) {
      await writer?.close();
      throw clientError(error, noRollout(id));
    }
  }

  async #remembered(
    meta: ThreadMeta,
    history: History,
    {
      settings,
      writer,
      ephemeral,
      unloadDelayMs,
    }: Pick<RememberedAs, "settings" | "writer" | "ephemeral" | "unloadDelayMs">,
  ): Promise<LoadedThread> {
    const { record } = history;
    return new LoadedThread(meta, {
      settings,
      past: {
        ...history,
        preview: record.preview,
        name: record.name,
        updatedAtMs: record.updatedAtMs,
        recencyAtMs: record.recencyAtMs,
      },
      writer,
      publisher: this.#ports.publisher,
      path: ephemeral ? null : record.path,
      ephemeral,
      stored: true,
      instructionSources: await this.#sources(settings.cwd),
      unloadDelayMs,
    });
  }

  async #meta(
    settings: ThreadSettings,
    options: Pick<StartOptions, "originator" | "threadSource"> &
      Partial<Pick<StartOptions, "historyMode" | "dynamicTools">>,
    origin?: ThreadMeta,
  ): Promise<ThreadMeta> {
    const id = ThreadId.parse(uuidV7());
    const dynamicTools = options.dynamicTools ?? origin?.dynamicTools;
    return {
      id,
      sessionId: id,
      forkedFromId: origin?.id ?? null,
      createdAtMs: Date.now(),
      cwd: settings.cwd,
      originator: options.originator,
      cliVersion: this.#ports.cliVersion,
      source: "vscode",
      threadSource: options.threadSource,
      modelProvider: settings.modelProvider,
      baseInstructions: settings.baseInstructions,
      historyMode: options.historyMode ?? origin?.historyMode ?? "paginated",
      gitInfo: await readGitInfo(settings.cwd),
      ...(dynamicTools ? { dynamicTools } : {}),
    };
  }

  #unloadDelayMs({ config = {} }: Pick<ResumeOptions, "config">): number {
    return this.#ports.config.read(config).threadUnloadDelayMs;
  }

  async #sources(cwd: string): Promise<readonly string[]> {
    return (await this.#ports.docs(cwd)).map(({ path }) => path);
  }

  /** What was stored of the approval policy holds unless the caller or its own config names one; the sandbox is always the configured one. */
  #settings(
    { config: keys = {}, ...override }: Omit<ResumeOptions, "includeTurns">,
    past: Partial<Pick<History, "settings" | "record">>,
  ): ThreadSettings {
    const { models, defaultCwd } = this.#ports;
    const cwd = resolve(past.settings?.cwd || past.record?.cwd || defaultCwd, override.cwd ?? ".");
    const config = this.#ports.config.read(keys, cwd);
    const isPlain = Object.keys(keys).length === 0;
    const kept = "approval_policy" in keys ? undefined : stillAllowed(config, past);
    const standard = models.defaults();
    const settings = configured(() =>
      initialSettings(
        {
          config,
          configured: isPlain ? config : this.#ports.config.read({}, cwd),
          cwd,
          model: config.model ?? standard.model,
          modelProvider: config.modelProvider ?? standard.modelProvider,
          choices: past.settings?.choices,
        },
        { ...override, approvalPolicy: override.approvalPolicy ?? kept },
      ),
    );
    this.#checkProvider(settings.modelProvider);
    return settings;
  }

  #checkProvider(id: string): void {
    try {
      this.#ports.models.provider(id);
    } catch (error) {
      throw invalidRequest(
        `failed to load configuration: Model provider \`${id}\` not found`,
        error,
      );
    }
  }
}

/** A profile that config.toml names and does not define is the caller's to hear of. */
function configured(settings: () => ThreadSettings): ThreadSettings {
  try {
    return settings();
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    throw invalidRequest(`failed to load configuration: ${error.message}`, error);
  }
}

/** What a thread was stored with is not allowed for ever. */
function stillAllowed(
  { requirements }: Config,
  { settings }: Partial<Pick<History, "settings">>,
): SettingsOverride["approvalPolicy"] {
  const policy = settings?.approvalPolicy;
  return policy && requirements.approvalFault(policy) === undefined ? policy : undefined;
}

/** What was stored of model, provider and effort comes back only if the caller chooses none of them. */
function modelChoice(
  { choosesModel, effort }: Omit<ResumeOptions, "includeTurns">,
  { settings, record }: History,
): Pick<SettingsOverride, "model" | "modelProvider" | "effort"> {
  if (choosesModel) return {};
  return {
    model: settings?.model || undefined,
    modelProvider: (settings?.modelProvider ?? record.modelProvider) || undefined,
    effort: settings?.effort ?? effort,
  };
}

function refuseArchived(record: ThreadRecord | undefined): void {
  if (!record?.archived) return;
  throw invalidRequest(isArchived(record.id));
}
