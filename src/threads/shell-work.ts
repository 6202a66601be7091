import type { ModelItem } from "../protocol/model-item.ts";
import type { UserCommand, UserCommandResult } from "../tools/port.ts";
import { AgentWork, stoppable } from "./agent-work.ts";
import type { TurnHands, TurnWork } from "./turn-work.ts";

/** A turn that a person's own command makes. When people write meanwhile, the agent answers them after it. */
export class ShellWork implements TurnWork {
  readonly kind = "shell";
  readonly #command: UserCommand;

  constructor(command: UserCommand) {
    this.#command = command;
  }

  async run(hands: TurnHands): Promise<void> {
    const { steering, signal } = hands;
    steering.begin();
    await stoppable(runUserCommand(this.#command, hands), signal);
    signal.throwIfAborted();
    if (steering.wanted) await new AgentWork(null).run(hands);
  }
}

/** Runs a person's own command; the model reads of it with what it is asked next. */
export async function runUserCommand(
  command: UserCommand,
  { ports, context, record }: TurnHands,
): Promise<void> {
  const result = await ports.tools.runUserCommand(command, context);
  await record.remember(userCommandItem(command, result));
}

/** The tags are those by which clients and models know such a message. */
const userCommandItem = (
  { script }: UserCommand,
  { exitCode, durationMs, output }: UserCommandResult,
): ModelItem => ({
  type: "message",
  role: "user",
  content: [
    {
      type: "input_text",
      text: [
        "<user_shell_command>",
        "<command>",
        script,
        "</command>",
        "<result>",
        `Exit code: ${exitCode}`,
        `Duration: ${(durationMs / 1000).toFixed(4)} seconds`,
        "Output:",
        output,
        "</result>",
        "</user_shell_command>",
      ].join("\n"),
    },
  ],
});
