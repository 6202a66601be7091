/** `write_stdin`: types into a command that still runs, or waits for more of its output. */
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
    const refusal = text === "" ? undefined : typeInto(session, text, context);
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

/** Undefined: done. Control-C works without a terminal too, as the signal that it stands for. */
function typeInto(session: CommandSession, text: string, context: ToolContext): string | undefined {
  if (text === controlC) session.interrupt();
  else if (!session.write(text)) {
    return "write_stdin failed: stdin is closed for this session; run the command again with `tty` set to true to type into it";
  }
  context.terminalInteraction(session.itemId, String(session.id), text);
  return undefined;
}
