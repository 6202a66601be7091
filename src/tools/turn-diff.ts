/** All that the patches of a turn did to the files, as one diff in the form of git. */
import { createHash } from "node:crypto";
import { isAbsolute, relative, sep } from "node:path";
import type { PatchedFile } from "./port.ts";
import { unifiedHunks } from "./text-diff.ts";

const contextLines = 3;
const noBlob = "0".repeat(40);

/** One file of the sum: where it was and what it held before the turn, where it is and what it holds now. */
interface Sum {
  from: string;
  before: string | null;
  to: string;
  after: string | null;
}

/**
 * The diff of `changes`, which are in the order in which they happened. Paths inside `root` are shown relative to
 * it. Empty when the turn left everything as it was.
 */
export function turnDiff(changes: readonly PatchedFile[], root: string): string {
  return sumsOf(changes)
    .filter((sum) => sum.before !== sum.after || (sum.before !== null && sum.from !== sum.to))
    .toSorted((a, b) => (a.to < b.to ? -1 : Number(a.to > b.to)))
    .map((sum) => fileDiff(sum, root))
    .join("");
}

function sumsOf(changes: readonly PatchedFile[]): Sum[] {
  const sums = new Map<string, Sum>();
  for (const { path, before, after, movedTo } of changes) {
    const sum = sums.get(path) ?? { from: path, before, to: path, after };
    if (movedTo === null) {
      sum.after = after;
      sums.set(path, sum);
      continue;
    }
    const target = sums.get(movedTo);
    if (target) {
      target.after = after;
      sum.after = null;
      sums.set(path, sum);
    } else {
      sums.delete(path);
      sums.set(movedTo, { ...sum, to: movedTo, after });
    }
  }
  return [...sums.values()];
}

function fileDiff({ from, before, to, after }: Sum, root: string): string {
  const oldName = shownPath(root, before === null ? to : from);
  const newName = shownPath(root, after === null ? from : to);
  const lines = [`diff --git a/${oldName} b/${newName}`];
  if (before === null) lines.push("new file mode 100644");
  if (after === null) lines.push("deleted file mode 100644");
  lines.push(`index ${blobHash(before)}..${blobHash(after)}`);
  const hunks = unifiedHunks(before ?? "", after ?? "", contextLines);
  if (hunks !== "") {
    lines.push(`--- ${before === null ? "/dev/null" : `a/${oldName}`}`);
    lines.push(`+++ ${after === null ? "/dev/null" : `b/${newName}`}`);
  }
  return `${lines.join("\n")}\n${hunks}`;
}

function shownPath(root: string, path: string): string {
  const inner = relative(root, path);
  const isOutside = inner === ".." || inner.startsWith(`..${sep}`) || isAbsolute(inner);
  return (isOutside ? path.replace(/^\/+/, "") : inner).replaceAll(sep, "/");
}

/** The name that git gives a text: the SHA-1 of a header with its length, a NUL and its bytes. */
function blobHash(text: string | null): string {
  if (text === null) return noBlob;
  const bytes = Buffer.from(text);
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}
