/**
 * What a client says beside a person's words: the model reads it before them, people do not see it.
 * What is as it was with the words before is not said again.
 */
import type { ModelItem } from "../protocol/model-item.ts";
import type { ContextEntry } from "./port.ts";

/** The stock server's limit on one entry. */
const maxBytes = 4000;
const bytesPerToken = 4;
const maxNameChars = 64;

/** What was said last, by key. */
export type SaidContext = ReadonlyMap<string, string>;

/** What the model is to be told now, and what is said from then on. */
export function contextNews(
  before: SaidContext,
  entries: readonly ContextEntry[],
): { readonly items: readonly ModelItem[]; readonly said: SaidContext } {
  const sorted = entries.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const said = new Map(sorted.map((entry) => [entry.key, JSON.stringify(entry)]));
  const fresh = sorted.filter(({ key }) => said.get(key) !== before.get(key));
  return { items: fresh.map(itemOf), said };
}

/** The application's own words are instructions; all else comes as what a tool gave. */
function itemOf({ key, value, kind, name }: ContextEntry): ModelItem {
  const text = shortened(value);
  if (kind === "untrusted") {
    return {
      type: "function_call_output",
      name: name ?? toolNameOf(key),
      namespace: "agent",
      output: text,
    };
  }
  const content = [{ type: "input_text", text: `<${key}>${text}</${key}>` }];
  return { type: "message", role: "developer", content };
}

const toolNameOf = (key: string): string =>
  key.replaceAll(/[^A-Za-z0-9_]/g, "").slice(0, maxNameChars) || "untrusted_content";

/** Beginning and end of a text that is too long, cut between characters. */
function shortened(value: string): string {
  const bytes = Buffer.from(value);
  if (bytes.length <= maxBytes) return value;
  let head = maxBytes / 2;
  while (isInside(bytes[head])) head -= 1;
  let tail = bytes.length - maxBytes / 2;
  while (isInside(bytes[tail])) tail += 1;
  const tokens = Math.ceil((bytes.length - maxBytes) / bytesPerToken);
  return `${bytes.toString("utf8", 0, head)}…${tokens} tokens truncated…${bytes.toString("utf8", tail)}`;
}

/** Whether a byte of UTF-8 goes on with a character. */
const isInside = (byte: number | undefined): boolean => ((byte ?? 0) & 0xc0) === 0x80;
