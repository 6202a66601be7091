/** A planned patch in the words of the protocol and of the turn's diff. */
import type { FileUpdateChange } from "../protocol/item.ts";
import type { PlannedFile } from "./patch-plan.ts";
import type { PatchedFile } from "./port.ts";
import { unifiedHunks } from "./text-diff.ts";

/** Items show one line around a change: that is what clients were made for. */
const itemContextLines = 1;

/** The changes of a fileChange item. A file that a patch writes over is shown as an update, whatever the patch calls it. */
export function itemChanges(files: readonly PlannedFile[]): FileUpdateChange[] {
  const changes: FileUpdateChange[] = [];
  for (const file of files) {
    const change = itemChange(file, files);
    if (change) changes.push(change);
  }
  return changes;
}

function itemChange(
  file: PlannedFile,
  files: readonly PlannedFile[],
): FileUpdateChange | undefined {
  const { path, before, after, movedTo, movedFrom } = file;
  if (movedTo !== null) {
    const target = files.find((other) => other.path === movedTo);
    const hunks = unifiedHunks(before?.text ?? "", target?.after ?? "", itemContextLines);
    return {
      path,
      kind: { type: "update", move_path: movedTo },
      diff: `${hunks}\n\nMoved to: ${movedTo}`,
    };
  }
  if (movedFrom !== null && before === null) return undefined;
  if (before === null) return { path, kind: { type: "add" }, diff: after ?? "" };
  if (after === null) return { path, kind: { type: "delete" }, diff: before.text };
  return {
    path,
    kind: { type: "update", move_path: null },
    diff: unifiedHunks(before.text, after, itemContextLines),
  };
}

/** The same for the turn's diff; a moved file comes as one entry. */
export function patchedFiles(files: readonly PlannedFile[]): PatchedFile[] {
  return files
    .filter((file) => file.movedFrom === null || file.before !== null)
    .map(({ path, before, after, movedTo }) => {
      const target = movedTo === null ? undefined : files.find((other) => other.path === movedTo);
      const isMove = target !== undefined && target.before === null;
      return {
        path,
        before: before?.text ?? null,
        after: isMove ? target.after : after,
        movedTo: isMove ? movedTo : null,
      };
    });
}

/** One line per file for the model: A added, M changed, D deleted. Paths are those of the patch. */
export function summaryLines(
  files: readonly PlannedFile[],
  shown: (path: string) => string,
): string {
  return files
    .filter((file) => file.movedTo === null)
    .map((file) => `${letterOf(file)} ${shown(file.path)}\n`)
    .join("");
}

function letterOf({ before, after, movedFrom }: PlannedFile): string {
  if (after === null) return "D";
  return before === null && movedFrom === null ? "A" : "M";
}
