/** The files of a patch: a map by path in history files, a list in the protocol. */
import type { FileUpdateChange } from "../../protocol/item.ts";
import { isRecord, recordOf, textOf } from "./members.ts";
import type { Json } from "./members.ts";

/** The stock server's protocol form of a move says it in the diff's last line too. */
const moveNote = (path: string): string => `\n\nMoved to: ${path}`;

function encodeChange({ kind, diff }: FileUpdateChange): Json {
  if (kind.type !== "update") return { type: kind.type, content: diff };
  const move = kind.move_path;
  const note = move === null ? "" : moveNote(move);
  const bare = note !== "" && diff.endsWith(note) ? diff.slice(0, -note.length) : diff;
  return { type: "update", unified_diff: bare, move_path: move };
}

export const encodeChanges = (changes: readonly FileUpdateChange[]): Json =>
  Object.fromEntries(changes.map((change) => [change.path, encodeChange(change)]));

/** Older files name the kind by the only member: `{ add: { content } }`. */
function tagged(stored: Json): Json {
  if (typeof stored["type"] === "string") return stored;
  const [kind, body] = Object.entries(stored)[0] ?? [];
  return { ...recordOf(body), type: kind };
}

function decodeChange(path: string, stored: unknown): FileUpdateChange | undefined {
  if (!isRecord(stored)) return undefined;
  const change = tagged(stored);
  const content = textOf(change["content"]) ?? "";
  switch (change["type"]) {
    case "add":
      return { path, kind: { type: "add" }, diff: content };
    case "delete":
      return { path, kind: { type: "delete" }, diff: content };
    case "update": {
      const move = textOf(change["move_path"]);
      const diff = textOf(change["unified_diff"]) ?? "";
      return {
        path,
        kind: { type: "update", move_path: move },
        diff: move === null ? diff : diff + moveNote(move),
      };
    }
    default:
      return undefined;
  }
}

/** By path, as the stock server lists them. */
export const decodeChanges = (stored: unknown): FileUpdateChange[] =>
  Object.entries(recordOf(stored))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, change]) => decodeChange(path, change))
    .filter((change) => change !== undefined);
