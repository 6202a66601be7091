import type { ModelItem } from "../protocol/model-item.ts";
import { isRecord } from "../util/is-record.ts";

/** A message to the model between tags, unless the last one in `history` with these tags says the same. */
export function toldOnce(
  tag: string,
  words: string,
  history: readonly ModelItem[],
): readonly ModelItem[] {
  const opening = `<${tag}>`;
  const text = `${opening}${words}</${tag}>`;
  const said = history.findLast((item) => textOf(item).startsWith(opening));
  if (said && textOf(said) === text) return [];
  return [{ type: "message", role: "developer", content: [{ type: "input_text", text }] }];
}

function textOf({ role, content }: ModelItem): string {
  const part: unknown = role === "developer" && Array.isArray(content) ? content[0] : undefined;
  return isRecord(part) && typeof part["text"] === "string" ? part["text"] : "";
}
