import type { Publisher } from "../events/port.ts";
import type { Models } from "../model/port.ts";
import type { PermissionProfile } from "../protocol/permission-profile.ts";
import type { PatchedFile, Tools } from "../tools/port.ts";
import type { ApprovalDesk } from "./approval-desk.ts";
import type { ProjectDoc } from "./instructions.ts";

/** What a turn needs of the rest of the host. */
export interface TurnPorts {
  readonly publisher: Publisher;
  readonly models: Models;
  readonly tools: Tools;
  readonly desk: ApprovalDesk;
  readonly log: { error(fields: object, message: string): void };
  /** Whether what this principal sent earlier may still begin a turn. Everybody's may where this is absent. */
  readonly maySend?: (principalId: string) => boolean;
  /** Unix milliseconds, by which idle threads are told; the machine's clock where this is absent. */
  readonly nowMs?: () => number;
  /** Whether threads may have goals. None may where this is absent. */
  readonly goalsOn?: () => boolean;
  /** Why the machine's owner does not allow permissions. Everything is allowed where this is absent. */
  readonly profileFault?: (profile: PermissionProfile) => string | undefined;
  /** The project's instructions for work in `cwd`. */
  docs(cwd: string): Promise<readonly ProjectDoc[]>;
  /** One diff text of everything that was patched; paths inside `root` are shown relative to it. */
  diffOf(files: readonly PatchedFile[], root: string): string;
}
