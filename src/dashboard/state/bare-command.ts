import type { CommandAction } from "../../protocol/item.ts";

/** The command as a person would type it: without the shell that wraps it, where the host says what is inside. */
export function bareCommand(whole: string, actions: readonly CommandAction[]): string {
  const inner = actions.length === 1 ? actions[0]?.command : undefined;
  return inner !== undefined && whole.includes(inner) ? inner : whole;
}
