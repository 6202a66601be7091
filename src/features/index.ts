/** Every method that a client may call, and the types of the whole wire for clients. */
import type { z } from "zod";
import type { notifications } from "../protocol/notifications.ts";
import type { serverRequests } from "../protocol/server-requests.ts";
import { accountRead } from "./account.ts";
import { auditHead } from "./audit.ts";
import {
  commandExec,
  commandExecResize,
  commandExecTerminate,
  commandExecWrite,
} from "./command.ts";
import {
  collaborationModeList,
  experimentalFeatureEnablementSet,
  experimentalFeatureList,
} from "./experimental-feature.ts";
import { configRead, configRequirementsRead } from "./config.ts";
import { configBatchWrite, configValueWrite } from "./config-write.ts";
import { deviceKeyCreate, deviceKeyPublic, deviceKeySign } from "./device-key.ts";
import {
  devicesChange,
  devicesList,
  devicesRevoke,
  restoreConfirm,
  restoreRead,
  tokenIssue,
} from "./device.ts";
import { devicesRestore } from "./foreign-access.ts";
import {
  fsCopy,
  fsCreateDirectory,
  fsGetMetadata,
  fsReadDirectory,
  fsReadFile,
  fsRemove,
  fsUnwatch,
  fsWatch,
  fsWriteFile,
} from "./fs.ts";
import {
  fuzzyFileSearch,
  fuzzySearchStart,
  fuzzySearchStop,
  fuzzySearchUpdate,
} from "./fuzzy-file-search.ts";
import { hostRead } from "./host.ts";
import { approvalInbox } from "./inbox.ts";
import { initialize } from "./initialize.ts";
import { memoryReset, memoryStatus, threadMemoryModeSet, threadMemoryRead } from "./memory.ts";
import { mockExperimentalMethod } from "./mock.ts";
import { modelList } from "./model.ts";
import { pairCancel, pairConfirm, pairList, pairOffer, pairRefuse } from "./pairing.ts";
import { processKill, processResizePty, processSpawn, processWriteStdin } from "./process.ts";
import {
  remoteControlClientList,
  remoteControlClientRevoke,
  remoteControlPairingStart,
  remoteControlPairingStatus,
  remoteControlStatusRead,
} from "./remote-control.ts";
import {
  threadCompactStart,
  threadInjectItems,
  threadSettingsUpdate,
  threadShellCommand,
} from "./thread-actions.ts";
import { threadFork } from "./thread-fork.ts";
import { threadList, threadLoadedList } from "./thread-list.ts";
import { threadItemsList, threadTurnsList } from "./thread-pages.ts";
import {
  threadQueueAdd,
  threadQueueDelete,
  threadQueueList,
  threadQueueReorder,
  threadQueueStart,
  threadQueueUpdate,
} from "./thread-queue.ts";
import {
  backgroundTerminalsClean,
  backgroundTerminalsList,
  backgroundTerminalsTerminate,
} from "./background-terminals.ts";
import {
  threadAttachmentAdd,
  threadAttachmentList,
  threadAttachmentOwnerList,
  threadAttachmentRemove,
} from "./thread-attachment.ts";
import { threadGoalClear, threadGoalGet, threadGoalSet } from "./thread-goal.ts";
import {
  threadSectionCreate,
  threadSectionDelete,
  threadSectionList,
  threadSectionMove,
  threadSectionUpdate,
} from "./thread-section.ts";
import { permissionProfileList } from "./permission-profile.ts";
import { threadReadStateUpdate } from "./thread-read-state.ts";
import { threadDelete, threadMetadataUpdate } from "./thread-metadata.ts";
import { threadItemsRead, threadTimelineList } from "./thread-items.ts";
import { threadRevert, threadRollback } from "./thread-revert.ts";
import { threadSearch, threadSearchOccurrences } from "./thread-search.ts";
import {
  threadArchive,
  threadNameSet,
  threadRead,
  threadResume,
  threadStart,
  threadUnarchive,
  threadUnsubscribe,
} from "./thread.ts";
import { turnInterrupt, turnStart, turnSteer } from "./turn.ts";

export const methods = [
  initialize,
  threadStart,
  threadResume,
  threadRead,
  threadList,
  threadLoadedList,
  threadNameSet,
  threadArchive,
  threadFork,
  threadDelete,
  threadMetadataUpdate,
  threadUnarchive,
  threadUnsubscribe,
  threadTurnsList,
  threadItemsList,
  threadSettingsUpdate,
  threadShellCommand,
  threadCompactStart,
  threadInjectItems,
  threadReadStateUpdate,
  threadSearch,
  threadSearchOccurrences,
  threadItemsRead,
  threadTimelineList,
  threadRevert,
  threadRollback,
  threadGoalSet,
  threadGoalGet,
  threadGoalClear,
  backgroundTerminalsList,
  backgroundTerminalsTerminate,
  backgroundTerminalsClean,
  permissionProfileList,
  threadSectionMove,
  threadSectionList,
  threadSectionCreate,
  threadSectionUpdate,
  threadSectionDelete,
  threadAttachmentAdd,
  threadAttachmentList,
  threadAttachmentRemove,
  threadAttachmentOwnerList,
  threadMemoryModeSet,
  threadMemoryRead,
  memoryStatus,
  memoryReset,
  threadQueueAdd,
  threadQueueList,
  threadQueueUpdate,
  threadQueueDelete,
  threadQueueReorder,
  threadQueueStart,
  turnStart,
  turnSteer,
  turnInterrupt,
  approvalInbox,
  accountRead,
  modelList,
  configRead,
  configValueWrite,
  configBatchWrite,
  experimentalFeatureList,
  experimentalFeatureEnablementSet,
  collaborationModeList,
  configRequirementsRead,
  fsReadDirectory,
  fsReadFile,
  fsGetMetadata,
  fsWriteFile,
  fsCreateDirectory,
  fsRemove,
  fsCopy,
  fsWatch,
  fsUnwatch,
  fuzzyFileSearch,
  fuzzySearchStart,
  fuzzySearchUpdate,
  fuzzySearchStop,
  commandExec,
  commandExecWrite,
  commandExecResize,
  commandExecTerminate,
  processSpawn,
  processWriteStdin,
  processResizePty,
  processKill,
  hostRead,
  auditHead,
  devicesList,
  devicesChange,
  devicesRevoke,
  devicesRestore,
  restoreRead,
  restoreConfirm,
  tokenIssue,
  pairOffer,
  pairList,
  pairConfirm,
  pairRefuse,
  pairCancel,
  deviceKeyCreate,
  deviceKeyPublic,
  deviceKeySign,
  remoteControlStatusRead,
  remoteControlPairingStart,
  remoteControlPairingStatus,
  remoteControlClientList,
  remoteControlClientRevoke,
  mockExperimentalMethod,
] as const;

type ByName<Specs extends readonly { readonly name: string }[]> = {
  [Spec in Specs[number] as Spec["name"]]: Spec;
};

/** What a client may call: `Requests["thread/start"]["params"]`. */
export type Requests = {
  [Name in keyof ByName<typeof methods>]: {
    params: z.input<ByName<typeof methods>[Name]["params"]>;
    result: z.output<ByName<typeof methods>[Name]["result"]>;
  };
};

/** What the server may push: `Notifications["turn/started"]`. */
export type Notifications = {
  [Name in keyof ByName<typeof notifications>]: z.output<
    ByName<typeof notifications>[Name]["params"]
  >;
};

/** What the server may ask, and what it wants back. */
export type ServerRequests = {
  [Name in keyof ByName<typeof serverRequests>]: {
    params: z.output<ByName<typeof serverRequests>[Name]["params"]>;
    result: z.input<ByName<typeof serverRequests>[Name]["result"]>;
  };
};
