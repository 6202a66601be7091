/** `write_stdin`: types into a command that still runs, or waits for more of its output. */
import { askRule } from "../permissions/approval-policy.ts";
import { isUnconfined, isWithin } from "../permissions/profile-algebra.ts";
import { groundAt } from "../util/ground.ts";
import { reportForModel } from "./command-item.ts";
import type { CommandSession } from "./command-session.ts";
import type { CommandSessions } from "./command-sessions.ts";
import { maxModelTokens } from "./output-buffer.ts";
import type { ToolCall, ToolContext, ToolOutput } from "./port.ts";
import { Arguments } from "./tool-arguments.ts";

/** After typing the answer comes soon; who only asks for more can wait longer. */
const afterTyping = { usual: 250, least: 250, most: 30_000 };
const whenPolling = { usual: 5_000, least: 5_000, most: 300_000 };
const controlC = "\u0003";

export class WriteStdin {
  readonly #sessions: CommandSessions;

  constructor(sessions: CommandSessions) {
    this.#sessions = sessions;
  }

  async run(call: ToolCall, context: ToolContext): Promise<ToolOutput> {
    const input = new Arguments(call.arguments);
    const id = input.count("session_id");
    const text = input.optionalText("chars") ?? "";
    const bounds = text === "" ? whenPolling : afterTyping;
    const wait = input.optionalCount("yield_time_ms") ?? bounds.usual;
    const maxTokens = input.optionalCount("max_output_tokens") ?? maxModelTokens;
    const session = this.#sessions.find(context.threadId, id);
    if (!session) return { output: `write_stdin failed: Unknown process id ${id}` };
    const refusal =
      text === ""
        ? undefined
        : ((await refusalToType(session, text, context)) ?? typeInto(session, text, context));
    if (refusal !== undefined) return { output: refusal };
    const startedMs = performance.now();
    await session.waitForEnd(Math.min(Math.max(wait, bounds.least), bounds.most), context.signal);
    context.signal.throwIfAborted();
    if (session.exitCode !== undefined) this.#sessions.remove(context.threadId, id);
    return {
      output: reportForModel({
        wallMs: performance.now() - startedMs,
        state: session.exitCode === undefined ? { sessionId: id } : { exitCode: session.exitCode },
        output: session.takeOutput(),
        maxTokens,
      }),
    };
  }
}

/** Undefined: it may be typed. A command that may do more than the thread may now does so only by what a person has seen. */
async function refusalToType(
  session: CommandSession,
  text: string,
  context: ToolContext,
): Promise<string | undefined> {
  const { approvalPolicy, permissionProfile, grants, cwd } = context;
  const isWider = !isWithin(session.rights, permissionProfile, groundAt(cwd));
  if (text === controlC || (!isWider && !grants?.isReviewed)) return undefined;
  if (askRule(approvalPolicy) === "never") {
    return "write_stdin failed: this command runs with wider permissions than the thread has now, and nobody can be asked; end it, and run what is needed anew";
  }
  const command = ["write_stdin", String(session.id), text];
  const line = `write_stdin ${session.id} ${JSON.stringify(text)}`;
  const verdict = await context.approvals
    .command({
      itemId: session.itemId,
      command,
      commandLine: line,
      cwd: session.cwd,
      escalated: isUnconfined(session.rights),
      reason: `This types into a command that still runs (${session.script}).`,
      actions: [{ type: "unknown", command: line }],
      wish: undefined,
    })
    .catch(() => "failed");
  context.signal.throwIfAborted();
  if (verdict === "run") return undefined;
  return verdict === "declined"
    ? "write_stdin failed: the user did not let it be typed; ask what to do instead"
    : "write_stdin failed: the approval request failed, so nothing was typed";
}

/** Undefined: done. Control-C works without a terminal too, as the signal that it stands for. */
function typeInto(session: CommandSession, text: string, context: ToolContext): string | undefined {
  if (text === controlC) session.interrupt();
  else if (!session.write(text)) {
    return "write_stdin failed: stdin is closed for this session; run the command again with `tty` set to true to type into it";
  }
  context.terminalInteraction(session.itemId, String(session.id), text);
  return undefined;
}
