/** Asks people whether a command may reach a host that no rule names. */
import { randomUUID } from "node:crypto";
import { askRule } from "../permissions/approval-policy.ts";
import { gainsOfReaching } from "../permissions/permission-gains.ts";
import type { NetworkRules } from "../permissions/network-rules.ts";
import type { TurnId } from "../protocol/ids.ts";
import type { CommandDecision } from "../protocol/server-requests.ts";
import { commandApproval } from "../protocol/server-requests.ts";
import type { ApprovalPolicy } from "../protocol/settings.ts";
import type { CommandNetwork, HostAnswer, HostQuestion, ReachingCommand } from "../tools/port.ts";
import { unreachable } from "../util/unreachable.ts";
import type { ApprovalDesk } from "./approval-desk.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import { questionKey } from "./network-answers.ts";

export interface NetworkOwner {
  readonly thread: LoadedThread;
  readonly turnId: TurnId;
  readonly desk: ApprovalDesk;
  readonly approvalPolicy: ApprovalPolicy;
  /** Aborts when the turn is interrupted. */
  readonly signal: AbortSignal;
  /** Resolves when the turn is over; nobody is asked for a command that goes on. */
  readonly over: Promise<void>;
  readonly isRunning: () => boolean;
  /** A person answered `cancel`: the turn ends now. */
  readonly interrupt: () => void;
}

/** As long as a person needs who is called by their phone; most programs give up earlier. */
const answerTimeoutMs = 10 * 60_000;
/** A person who is asked about more at a time answers none of them well. */
const maxOpen = 8;
/** Hosts that one command was told about. */
const maxKnown = 500;

/** What one command may reach. An answer counts for it as long as it runs, or for longer where the person says so. */
export function commandNetwork(
  owner: NetworkOwner,
  rules: NetworkRules,
  command: ReachingCommand,
): CommandNetwork {
  const { network } = owner.thread;
  const known = new Map<string, Promise<HostAnswer>>();
  let open = 0;
  const ask = async (question: HostQuestion, signal: AbortSignal): Promise<HostAnswer> => {
    open += 1;
    try {
      return await put(owner, command, question, signal);
    } finally {
      open -= 1;
    }
  };
  return {
    rules: () => network.over(rules),
    async ask(question, signal) {
      if (network.isAccepted(question)) return "allowed";
      const key = questionKey(question);
      const before = known.get(key);
      if (before) return before;
      if (open >= maxOpen || known.size >= maxKnown) return "closed";
      const answer = ask(question, signal);
      known.set(key, answer);
      const given = await answer;
      if (given === "closed" || given === "unanswered") known.delete(key);
      return given;
    },
  };
}

async function put(
  owner: NetworkOwner,
  { itemId, command, commandLine, cwd, actions }: ReachingCommand,
  question: HostQuestion,
  commandEnd: AbortSignal,
): Promise<HostAnswer> {
  const { thread, turnId, desk, approvalPolicy, signal } = owner;
  if (askRule(approvalPolicy) === "never" || !owner.isRunning()) return "closed";
  const { host, protocol } = question;
  const ids = { threadId: thread.id, turnId, itemId };
  const over = new AbortController();
  void owner.over.then(() => over.abort());
  const tooLate = AbortSignal.timeout(answerTimeoutMs);
  const allow = { host, action: "allow" as const };
  const reaches = questionKey(question);
  const subject = { kind: "command" as const, ...ids, command, cwd, escalated: false, reaches };
  const asking = {
    ...ids,
    spec: commandApproval,
    gains: gainsOfReaching(reaches),
    signal: AbortSignal.any([signal, over.signal, commandEnd, tooLate]),
    params: {
      kind: "command",
      ...ids,
      startedAtMs: Date.now(),
      approvalId: randomUUID(),
      environmentId: "local",
      reason: `The command wants to reach ${reaches}, which no rule of its network names.`,
      networkApprovalContext: { host, protocol },
      command: commandLine,
      cwd,
      commandActions: actions,
      proposedNetworkPolicyAmendments: [allow, { host, action: "deny" }],
      availableDecisions: [
        "accept",
        "acceptForSession",
        { applyNetworkPolicyAmendment: { network_policy_amendment: allow } },
        "cancel",
      ],
    },
  };
  thread.transition({ kind: "asked" });
  const end = await desk.ask(asking, subject);
  thread.transition({ kind: "answered" });
  if (end.kind === "resolved") return answerOf(owner, question, end.decision.decision);
  return end.kind === "failed" || tooLate.aborted ? "unanswered" : "closed";
}

function answerOf(
  { thread, interrupt }: NetworkOwner,
  question: HostQuestion,
  decision: CommandDecision,
): HostAnswer {
  if (typeof decision === "object") {
    if (!("applyNetworkPolicyAmendment" in decision)) return "allowed";
    const { host, action } = decision.applyNetworkPolicyAmendment.network_policy_amendment;
    // a rule about another host answers no question
    if (host !== question.host) return "declined";
    thread.network.settle(host, action);
    if (action === "deny") return "declined";
    thread.network.accept(question);
    return "allowed";
  }
  switch (decision) {
    case "accept":
      return "allowed";
    case "acceptForSession":
      thread.network.accept(question);
      return "allowed";
    case "decline":
      return "declined";
    case "cancel":
      interrupt();
      return "declined";
    default:
      return unreachable(decision);
  }
}
