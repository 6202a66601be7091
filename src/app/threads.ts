/** The threads of a host, joined with all that they work with. */
import type { Audit } from "../audit/port.ts";
import type { ApprovalNotary, Gatekeeper, Standing } from "../auth/port.ts";
import type { HostOptions } from "../cli/host.ts";
import type { ConfigReader } from "../config/port.ts";
import type { EventHub } from "../events/event-hub.ts";
import type { Models } from "../model/port.ts";
import { modeOfProfile } from "../permissions/required-mode.ts";
import { realPath } from "../util/real-path.ts";
import { protocolGeneration } from "../protocol/generation.ts";
import type { ThreadStore } from "../store/port.ts";
import { ApprovalDesk } from "../threads/approval-desk.ts";
import { projectDocs } from "../threads/instructions.ts";
import { ThreadLoader } from "../threads/thread-loader.ts";
import { ThreadManager } from "../threads/thread-manager.ts";
import type { TurnPorts } from "../threads/turn-ports.ts";
import type { Tools } from "../tools/port.ts";
import { turnDiff } from "../tools/turn-diff.ts";
import { protectedPathsOf } from "./commands.ts";
import type { FailureLog } from "./failure-log.ts";

export interface ThreadParts {
  readonly options: HostOptions;
  readonly config: ConfigReader;
  readonly models: Models;
  readonly store: ThreadStore;
  readonly hub: EventHub;
  readonly tools: Tools;
  readonly failures: FailureLog;
  readonly audit: Audit;
  readonly notary: ApprovalNotary;
  readonly standing: Standing;
  readonly gatekeeper: Gatekeeper;
}

export function createThreads(parts: ThreadParts): ThreadManager {
  const { options, config, models, store, hub, tools, failures, audit, notary, standing } = parts;
  const { codexHome, defaultCwd } = options;
  const docs: TurnPorts["docs"] = (cwd) => {
    const { projectRootMarkers: rootMarkers, projectDocMaxBytes: maxBytes } = config.read();
    const protectedPaths = protectedPathsOf(options);
    return projectDocs({ codexHome, cwd, rootMarkers, maxBytes, protectedPaths });
  };
  const loader = new ThreadLoader({
    store,
    publisher: hub,
    models,
    config,
    defaultCwd,
    docs,
    cliVersion: protocolGeneration,
  });
  const ports: TurnPorts = {
    publisher: hub,
    models,
    tools,
    desk: new ApprovalDesk(hub, audit, notary),
    log: failures,
    maySend: (principalId) => standing.maySend(principalId),
    goalsOn: () => config.read().goals,
    profileFault: (profile) => config.requirements().sandboxFault(modeOfProfile(profile, realPath)),
    docs,
    diffOf: turnDiff,
  };
  const threads = new ThreadManager(ports, store, loader);
  parts.gatekeeper.onEnd(() => dropUnsendable(threads, failures));
  unloadIdle(threads, failures);
  return threads;
}

/** As often as a thread's shortest delay can be: a second. */
const idleCheckMs = 1_000;

/** Takes threads out of memory that nobody needs there, until the process ends. */
function unloadIdle(threads: ThreadManager, log: FailureLog): void {
  let isAtWork = false;
  const check = setInterval(() => {
    if (isAtWork) return;
    isAtWork = true;
    threads
      .unloadIdle()
      .catch((error: unknown) => log.error({ err: error }, "an idle thread was not unloaded"))
      .finally(() => {
        isAtWork = false;
      });
  }, idleCheckMs);
  threads.onClose(() => clearInterval(check));
  check.unref();
}

/** What somebody whose access ended had put into queues does not begin any more. */
function dropUnsendable(threads: ThreadManager, log: FailureLog): void {
  threads.queue.dropUnsendable().catch((error: unknown) => {
    log.error({ err: error }, "messages of somebody whose access ended still wait");
  });
}
