import { networkRules } from "../permissions/configured-network.ts";
import type { TurnId } from "../protocol/ids.ts";
import { ItemId } from "../protocol/ids.ts";
import type { ThreadItem } from "../protocol/item.ts";
import { itemStarted, terminalInteraction } from "../protocol/item-notifications.ts";
import { turnDiffUpdated, turnPlanUpdated } from "../protocol/turn-notifications.ts";
import { dynamicToolCall } from "../protocol/server-requests.ts";
import type { PatchedFile, ToolContext } from "../tools/port.ts";
import { createApprovals } from "./command-approval.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import { commandNetwork } from "./network-approval.ts";
import type { OpenItems } from "./open-items.ts";
import { GrantsOfTurn } from "./turn-grants.ts";
import type { ThreadSettings } from "./settings.ts";
import type { TurnPorts } from "./turn-ports.ts";

export interface ToolContextOwner {
  readonly thread: LoadedThread;
  readonly ports: TurnPorts;
  readonly turnId: TurnId;
  /** Those in force when the turn began. */
  readonly settings: ThreadSettings;
  readonly open: OpenItems;
  readonly signal: AbortSignal;
  /** Stores, then announces. */
  complete(item: ThreadItem): Promise<void>;
  /** A person answered `cancel`: the turn ends once the item is settled. */
  cancel(): void;
  /** The turn ends now. */
  interrupt(): void;
  isRunning(): boolean;
  /** Resolves when the turn has ended. */
  readonly over: Promise<void>;
}

/** What the tools of one turn reach. */
export function createToolContext(owner: ToolContextOwner): ToolContext {
  const { thread, ports, turnId, settings, open, signal } = owner;
  const { publisher } = ports;
  const ids = { threadId: thread.id, turnId };
  const patched: PatchedFile[] = [];
  const reaching = {
    thread,
    turnId,
    desk: ports.desk,
    approvalPolicy: settings.approvalPolicy,
    signal,
    over: owner.over,
    isRunning: () => owner.isRunning(),
    interrupt: () => owner.interrupt(),
  };
  const grants = new GrantsOfTurn(thread, settings, ports);
  return {
    ...ids,
    signal,
    cwd: settings.cwd,
    approvalPolicy: settings.approvalPolicy,
    environmentPolicy: settings.environmentPolicy,
    grants,
    get permissionProfile() {
      return grants.profile;
    },
    dynamicTools: thread.dynamicTools,
    goals: thread.goalTools?.(),
    async askClient({ callId, name, namespace }, input) {
      const params = { ...ids, callId, namespace, tool: name, arguments: input };
      const itemId = ItemId.parse(callId);
      const asking = { ...ids, itemId, spec: dynamicToolCall, params, signal };
      const end = await ports.desk.ask(asking);
      signal.throwIfAborted();
      return end.kind === "resolved" ? end.decision : undefined;
    },
    approvals: createApprovals({
      thread,
      turnId,
      desk: ports.desk,
      grants,
      signal,
      cancel: () => owner.cancel(),
      interrupt: () => owner.interrupt(),
    }),
    network(command) {
      const rules = networkRules(settings.network, settings.activeProfile?.id ?? null);
      return rules && commandNetwork(reaching, rules, command);
    },
    itemStarted(item) {
      open.start(item);
      publisher.publish(itemStarted, {
        item,
        ...ids,
        startedAtMs: item.startedAtMs ?? Date.now(),
      });
    },
    itemCompleted: (item) => owner.complete(item),
    outputDelta: (itemId, text) => open.output(itemId, text),
    terminalInteraction(itemId, processId, stdin) {
      publisher.publish(terminalInteraction, { ...ids, itemId, processId, stdin });
    },
    patched(changes) {
      patched.push(...changes);
      publisher.publish(turnDiffUpdated, {
        ...ids,
        diff: ports.diffOf(patched, settings.cwd),
      });
    },
    planUpdated({ explanation, plan }) {
      publisher.publish(turnPlanUpdated, { ...ids, explanation, plan: [...plan] });
    },
  };
}
