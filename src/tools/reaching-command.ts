/** A command of the agent's that reaches out through the proxy. */
import type { CommandExecutionItem } from "../protocol/item.ts";
import type { CommandProxyOptions } from "./network-proxy/command-proxy.ts";
import type { RefusedHosts } from "./network-proxy/refused-hosts.ts";
import type { ToolContext } from "./port.ts";

interface Reaching {
  readonly item: CommandExecutionItem;
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly cwd: string;
}

/** What it may reach; `refused` keeps what it may not. Undefined: there is no proxy. Throws `ProfileError`. */
export function proxiedFor(
  { item, command, cwd }: Reaching,
  context: ToolContext,
  refused: RefusedHosts,
): CommandProxyOptions | undefined {
  const { id: itemId, command: commandLine, commandActions: actions } = item;
  const network = context.network?.({ itemId, command, commandLine, cwd, actions });
  return (
    network && {
      rules: () => network.rules(),
      ask: (question, signal) => network.ask(question, signal),
      onRefused: (refusal, target) => refused.add(refusal, target),
    }
  );
}
