import type { ThreadItem } from "./item.ts";

/** The pieces of text of a message that people see; undefined of all other items. */
export function messageText(item: ThreadItem): readonly string[] | undefined {
  if (item.type === "agentMessage") return [item.text];
  if (item.type !== "userMessage") return undefined;
  return item.content.flatMap((part) => (part.type === "text" ? [part.text] : []));
}
