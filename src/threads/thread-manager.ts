import { invalidRequest } from "../protocol/errors.ts";
import type { ThreadId } from "../protocol/ids.ts";
import {
  threadClosed,
  threadStarted,
  threadStatusChanged,
} from "../protocol/thread-notifications.ts";
import { threadTokenUsageUpdated } from "../protocol/turn-notifications.ts";
import type { Thread } from "../protocol/thread.ts";
import type { ThreadStore } from "../store/port.ts";
import { textFrame } from "../util/text-frame.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import { LoadedThreads, noRollout } from "./loaded-threads.ts";
import type {
  Announcing,
  BackgroundTerminals,
  ForkOptions,
  ResumeOptions,
  SettingsOverride,
  StartOptions,
  ThreadView,
  Threads,
} from "./port.ts";
import type { CatchUpFrame } from "./connections-port.ts";
import type { ThreadQueue } from "./side-state-port.ts";
import { ThreadAttachments } from "./attachments.ts";
import type { ThreadLoader } from "./thread-loader.ts";
import { DaybreakChoices } from "./daybreak-choices.ts";
import { setMemoryMode } from "./memory-modes.ts";
import { IdleThreads } from "./idle-threads.ts";
import { GoalEngine } from "./goal-engine.ts";
import { Goals } from "./goals.ts";
import { MessageQueue } from "./message-queue.ts";
import { ThreadSections } from "./sections.ts";
import { ReadStates } from "./read-states.ts";
import type { ThreadSettings } from "./settings.ts";
import { SideNotes } from "./side-notes.ts";
import { prepareTurns } from "./sent-turns.ts";
import { ThreadReading } from "./thread-reading.ts";
import { statusOf } from "./thread-state.ts";
import { ThreadRecords } from "./thread-records.ts";
import { ThreadSearching } from "./thread-search.ts";
import { ThreadReverting } from "./thread-reverting.ts";
import { threadOf, viewOf } from "./thread-view.ts";
import { TurnControl } from "./turn-control.ts";
import type { TurnPorts } from "./turn-ports.ts";
import { WaitingRequests } from "./waiting-requests.ts";

/** The one place that knows which threads are in memory. */
export class ThreadManager implements Threads {
  readonly #loaded = new LoadedThreads();
  readonly #loading = new Map<ThreadId, Promise<LoadedThread>>();
  /** Threads that are on their way out; who wants one back waits for it. */
  readonly #unloading = new Map<ThreadId, Promise<void>>();
  readonly #idle: IdleThreads;
  readonly #closers: (() => void)[] = [];
  readonly #ports: TurnPorts;
  readonly #loader: ThreadLoader;
  readonly #reading: ThreadReading;
  readonly #records: ThreadRecords;
  readonly #control: TurnControl;
  readonly #queue: MessageQueue;
  readonly #notes: SideNotes;
  readonly #goals: Goals;
  readonly #daybreak: DaybreakChoices;
  readonly readStates: ReadStates;
  readonly reverting: ThreadReverting;
  readonly goals: GoalEngine;
  readonly search: ThreadSearching;
  readonly sections: ThreadSections;
  readonly terminals: BackgroundTerminals = {
    list: (id) => this.#ports.tools.background(this.#loaded.must(id).id),
    terminate: (id, processId) =>
      this.#ports.tools.endBackground(this.#loaded.must(id).id, processId),
    clean: (id) => {
      for (const { processId } of this.terminals.list(id)) this.terminals.terminate(id, processId);
    },
  };
  readonly attachments: ThreadAttachments;
  readonly requests: WaitingRequests;

  constructor(ports: TurnPorts, store: ThreadStore, loader: ThreadLoader) {
    this.#ports = ports;
    this.requests = new WaitingRequests(ports.desk, this.#loaded);
    this.#loader = loader;
    this.#reading = new ThreadReading(this.#loaded, store);
    this.search = new ThreadSearching({
      loaded: this.#loaded,
      store,
      turnsOf: (id) => this.#reading.keptTurns(id),
    });
    this.#records = new ThreadRecords({
      loaded: this.#loaded,
      store,
      publisher: ports.publisher,
      unload: (thread) => this.#unload(thread),
    });
    this.reverting = new ThreadReverting({
      loaded: this.#loaded,
      store,
      publisher: ports.publisher,
      unload: (thread) => this.#unload(thread),
      load: (id) => this.#load(id, {}),
      placed: (thread) => this.#placed(thread),
      unread: (thread) => this.readStates.turnsGone(thread),
      loadUnseen: (id) => this.#loadUnseen(id, {}),
    });
    this.#control = new TurnControl(this.#loaded, ports);
    this.#idle = new IdleThreads({
      nowMs: ports.nowMs ?? Date.now,
      isNeeded: (thread) => this.#isNeeded(thread),
    });
    const { publisher, log } = ports;
    const notes = new SideNotes(this.#loaded, store);
    this.sections = new ThreadSections(notes, publisher);
    this.attachments = new ThreadAttachments(notes, publisher);
    this.#notes = notes;
    this.#daybreak = new DaybreakChoices(notes);
    this.readStates = new ReadStates({ loaded: this.#loaded, notes, publisher, log });
    this.#queue = new MessageQueue({
      loaded: this.#loaded,
      notes,
      control: this.#control,
      publisher: ports.publisher,
      log: ports.log,
      maySend: ports.maySend ?? (() => true),
      isSaid: (id, turnId) => this.#reading.isSaid(id, turnId),
    });
    this.#goals = new Goals(notes, publisher);
    this.goals = new GoalEngine({
      loaded: this.#loaded,
      goals: this.#goals,
      log,
      isOn: ports.goalsOn ?? (() => false),
      maySend: ports.maySend ?? (() => true),
      hasWaiting: (id) => this.#queue.hasWaiting(id),
      begin: (id, words) => this.#control.continueTurn(id, words),
    });
  }

  get queue(): ThreadQueue {
    return this.#queue;
  }

  readonly read: Threads["read"] = async (id, includeTurns) =>
    this.#placed(await this.#reading.read(id, includeTurns));
  readonly list: Threads["list"] = async (query) => {
    const page = await this.#reading.list(query);
    return { ...page, data: await this.#daybreak.shown(await this.sections.placed(page.data)) };
  };
  readonly idAt: Threads["idAt"] = (path, running) => this.#reading.idAt(path, running);
  readonly turns: Threads["turns"] = (id, query) => this.#reading.turns(id, query);
  readonly itemsNamed: Threads["itemsNamed"] = (...wanted) => this.#reading.itemsNamed(...wanted);
  readonly timeline: Threads["timeline"] = (id, query) => this.#reading.timeline(id, query);
  readonly items: Threads["items"] = (id, query) => this.#reading.items(id, query);
  readonly rename: Threads["rename"] = (id, name) => this.#records.rename(id, name);
  readonly archive: Threads["archive"] = (id) => this.#records.archive(id);
  readonly unarchive: Threads["unarchive"] = async (id) => {
    const { thread, announce } = await this.#records.unarchive(id);
    return { thread: await this.#placed(thread), announce };
  };
  readonly delete: Threads["delete"] = (id) => this.#records.delete(id);
  readonly setGitInfo: Threads["setGitInfo"] = async (id, change) =>
    this.#placed(await this.#records.setGitInfo(id, change));
  readonly setDaybreak: Threads["setDaybreak"] = async (id, enabled) => {
    await this.#daybreak.set(id, enabled);
    return { ...(await this.read(id, false)), canAcceptDirectInput: null };
  };
  readonly startTurn: Threads["startTurn"] = (id, start) => this.#control.startTurn(id, start);
  readonly steer: Threads["steer"] = (...words) => this.#control.steer(...words);
  readonly interrupt: Threads["interrupt"] = (id, turnId) => this.#control.interrupt(id, turnId);
  readonly runShellCommand: Threads["runShellCommand"] = (id, command) =>
    this.#control.runShellCommand(id, command);
  readonly compact: Threads["compact"] = (id) => this.#control.compact(id);
  readonly injectItems: Threads["injectItems"] = (id, items) =>
    this.#control.injectItems(id, items);
  readonly setMemoryMode: Threads["setMemoryMode"] = (id, mode) =>
    setMemoryMode(this.#notes, id, mode);
  readonly updateSettings: Threads["updateSettings"] = (id, override) =>
    this.#control.updateSettings(id, override);

  async start(options: StartOptions): Promise<{ readonly view: ThreadView } & Announcing> {
    const thread = await this.#loader.create(options);
    this.#keep(thread);
    const { daybreakEnabled = null } = options;
    if (daybreakEnabled !== null) await this.#daybreak.set(thread.id, daybreakEnabled);
    return this.#begun(thread, viewOf(thread, []), daybreakEnabled);
  }

  async resume(
    id: ThreadId,
    { includeTurns, initialTurns, comesBack = false, ...options }: ResumeOptions,
  ): Promise<ThreadView & Announcing> {
    const present = this.#loaded.get(id);
    const isKept = present === undefined || (present.stored && !present.ephemeral);
    if (!isKept && !comesBack) throw invalidRequest(noRollout(id));
    this.#idle.touch(id);
    const thread = present ?? (await this.#load(id, options));
    const announce =
      present && isKept ? await this.goals.cameBack(id, options.wakesGoal ?? false) : () => {};
    if (includeTurns) await prepareTurns(thread.turns);
    const view = viewOf(thread, includeTurns ? thread.snapshot() : [], initialTurns);
    return { ...view, thread: await this.#placed(view.thread), announce };
  }

  loaded(): readonly ThreadId[] {
    return this.#loaded.ids();
  }

  cwdOf(id: ThreadId): string | undefined {
    return this.#loaded.get(id)?.settings.cwd;
  }

  isLoaded(id: ThreadId): boolean {
    return this.#loaded.get(id) !== undefined;
  }

  async fork(
    source: ThreadId,
    options: ForkOptions,
  ): Promise<{ readonly view: ThreadView } & Announcing> {
    const present = this.#loaded.get(source);
    if (present && (!present.stored || present.ephemeral)) throw invalidRequest(noRollout(source));
    if (options.inheritsSettings && !present) throw invalidRequest(`thread not found: ${source}`);
    const inherited = options.inheritsSettings ? present?.settings : undefined;
    const thread = await this.#loader.fork(source, { ...options, ...inheritable(inherited) });
    this.#keep(thread);
    if (!thread.ephemeral) {
      await this.attachments.copy(source, thread.id);
      await this.#daybreak.copy(source, thread.id);
    }
    if (options.includeTurns) await prepareTurns(thread.turns);
    const view = viewOf(thread, options.includeTurns ? thread.snapshot() : []);
    const { daybreakEnabled } = await this.#placed(view.thread);
    return this.#begun(thread, view, daybreakEnabled);
  }

  #begun(thread: LoadedThread, view: ThreadView, daybreakEnabled: boolean | null) {
    return {
      view: { ...view, thread: { ...view.thread, daybreakEnabled } },
      announce: () =>
        this.#ports.publisher.publish(threadStarted, {
          thread: { ...threadOf(thread), daybreakEnabled },
        }),
    };
  }

  catchUp(id: ThreadId): readonly CatchUpFrame[] {
    const thread = this.#loaded.get(id);
    if (!thread) return [];
    const frames: CatchUpFrame[] = [];
    if (thread.usage && thread.usageTurnId) {
      const { name } = threadTokenUsageUpdated;
      const params = { threadId: id, turnId: thread.usageTurnId, tokenUsage: thread.usage };
      frames.push({ method: name, frame: textFrame(JSON.stringify({ method: name, params })) });
    }
    return [...frames, ...this.#goals.snapshot(id), ...this.#ports.desk.waitingIn(id)];
  }

  /** Called when the threads are given up. */
  onClose(listener: () => void): void {
    this.#closers.push(listener);
  }

  /** Ends all turns as interrupted and gives every thread up. */
  async close(): Promise<void> {
    for (const closer of this.#closers) closer();
    await Promise.all(this.#loaded.all().map((thread) => this.#unload(thread)));
  }

  async #loadUnseen(
    id: ThreadId,
    options: Omit<ResumeOptions, "includeTurns">,
  ): Promise<LoadedThread> {
    const work = (this.#unloading.get(id) ?? Promise.resolve())
      .then(() => this.#loader.load(id, options))
      .finally(() => this.#loading.delete(id));
    this.#loading.set(id, work);
    const thread = await work;
    this.#keep(thread);
    return thread;
  }

  async #load(id: ThreadId, options: Omit<ResumeOptions, "includeTurns">): Promise<LoadedThread> {
    const loading = this.#loading.get(id);
    if (loading) return loading;
    const thread = await this.#loadUnseen(id, options);
    const tellOfGoal = await this.goals.cameBack(id, options.wakesGoal ?? false);
    tellOfGoal();
    this.#ports.publisher.publish(threadStatusChanged, {
      threadId: id,
      status: statusOf(thread.state),
    });
    return thread;
  }

  async #placed(thread: Thread): Promise<Thread> {
    const placed = await this.sections.placed([thread]);
    return (await this.#daybreak.shown(placed))[0] ?? thread;
  }

  #keep(thread: LoadedThread): void {
    this.#loaded.add(thread);
    const { goals } = this;
    thread.goalTools = () => goals.toolsOf(thread);
    thread.onTurnBegun = (turnId) => goals.turnStarted(thread, turnId);
    thread.onToolRan = () => goals.toolRan(thread);
    thread.onStoredEnd = async (turn) => {
      const tellOfGoal = await goals.turnEnded(thread, turn);
      const tellOfReadState = await this.readStates.turnEnded(thread, turn);
      return () => {
        tellOfGoal();
        tellOfReadState();
      };
    };
    thread.onTurnEnd = (how) => {
      this.#queue.turnEnded(thread.id, how);
      goals.endTold(thread.id, how);
    };
  }

  /** Gives up the threads that nobody needs in memory. To be called now and then. */
  async unloadIdle(): Promise<void> {
    for (const thread of this.#idle.expired(this.#loaded.all())) {
      await this.#unload(thread, () => {
        this.#ports.publisher.publish(threadClosed, { threadId: thread.id });
        this.#ports.publisher.forget(thread.id);
      });
    }
  }

  #isNeeded({ id, active, state }: LoadedThread): boolean {
    const { publisher, tools } = this.#ports;
    const isAtWork = active !== undefined || state.kind === "active" || state.kind === "waiting";
    return isAtWork || publisher.isWatched(id) || this.#queue.isBusy(id) || tools.hasProcesses(id);
  }

  /** `gone` is called before anybody can have the thread back. */
  #unload(thread: LoadedThread, gone?: () => void): Promise<void> {
    const work = this.#giveUp(thread)
      .then(gone)
      .finally(() => {
        if (this.#unloading.get(thread.id) === work) this.#unloading.delete(thread.id);
      });
    this.#unloading.set(thread.id, work);
    return work;
  }

  async #giveUp(thread: LoadedThread): Promise<void> {
    if (thread.active?.running) {
      const announceEnd = await thread.active.interrupt();
      announceEnd();
    }
    this.#loaded.delete(thread.id);
    this.#queue.forget(thread.id);
    this.goals.forget(thread.id);
    thread.transition({ kind: "unload" });
    await this.#ports.tools.endThread(thread.id);
    await thread.close();
  }
}

/** The settings of a thread in memory as wishes for another one. */
function inheritable(settings: ThreadSettings | undefined): SettingsOverride {
  if (settings === undefined) return {};
  const { cwd, model, modelProvider, effort, approvalPolicy } = settings;
  return {
    cwd,
    model,
    modelProvider,
    effort,
    approvalPolicy,
    permissions: { profile: settings.permissionProfile, active: settings.activeProfile },
  };
}
