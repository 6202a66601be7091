/** What a patch would make of the files, computed in full before anything is written. */
import { resolve } from "node:path";
import { type FileOperation, PatchError } from "./patch-grammar.ts";
import { applyHunks } from "./patch-search.ts";
import { realPath } from "../util/real-path.ts";
import { unreachable } from "../util/unreachable.ts";
import type { WhyClosed } from "./closed-files.ts";
import { type JudgedFile, readJudged } from "./judged-file.ts";

/** One file that the patch touches, before and after it. */
export interface PlannedFile {
  /** Absolute, as the patch names it. */
  readonly path: string;
  /** Where it really lies. */
  readonly real: string;
  /** Null: there is no such file. */
  readonly before: FileState | null;
  /** Null: it is gone afterwards. */
  readonly after: string | null;
  /** Where its text went, as the patch names it. */
  readonly movedTo: string | null;
  /** Where its text came from; such a file is told of by its source. */
  readonly movedFrom: string | null;
}

export interface FileState {
  readonly bytes: Buffer;
  /** Lossy where the file is not UTF-8; such a file can be deleted but not edited. */
  readonly text: string;
  readonly mode: number;
}

type Draft = { -readonly [Member in keyof PlannedFile]: PlannedFile[Member] };

/** Files larger than this are not for patches. */
const maxFileBytes = 16 * 1024 * 1024;

/** In the order in which the patch first names them. Throws `PatchError`; nothing is changed on disk. */
export function planPatch(
  operations: readonly FileOperation[],
  cwd: string,
  whyClosed: WhyClosed,
): readonly PlannedFile[] {
  const plan = new Plan(cwd, whyClosed);
  for (const operation of operations) plan.perform(operation);
  return plan.files;
}

class Plan {
  readonly #cwd: string;
  readonly #whyClosed: WhyClosed;
  readonly #drafts = new Map<string, Draft>();

  constructor(cwd: string, whyClosed: WhyClosed) {
    this.#cwd = cwd;
    this.#whyClosed = whyClosed;
  }

  /** Files that the patch makes and removes again are left out. */
  get files(): readonly PlannedFile[] {
    return [...this.#drafts.values()].filter(
      (draft) => draft.before !== null || draft.after !== null,
    );
  }

  perform(operation: FileOperation): void {
    const draft = this.#draft(operation.path);
    switch (operation.kind) {
      case "add":
        draft.after = operation.text;
        return;
      case "delete":
        this.#present(draft, "delete");
        draft.after = null;
        return;
      case "update": {
        const text = applyHunks(this.#editable(draft), operation.hunks, draft.path);
        if (operation.moveTo === null) draft.after = text;
        else this.#move(draft, this.#draft(operation.moveTo), text);
      }
    }
  }

  #move(from: Draft, to: Draft, text: string): void {
    if (from === to) {
      from.after = text;
      return;
    }
    if (to.after !== null) {
      throw new PatchError(
        `cannot move ${from.path} to ${to.path}: that file exists; delete it earlier in the patch if it may go`,
      );
    }
    from.after = null;
    from.movedTo = to.path;
    to.after = text;
    to.movedFrom = from.path;
  }

  #present(draft: Draft, verb: "delete" | "update"): string {
    if (draft.after !== null) return draft.after;
    throw new PatchError(`cannot ${verb} ${draft.path}: there is no such file`);
  }

  #editable(draft: Draft): string {
    const text = this.#present(draft, "update");
    const isUntouched = draft.before !== null && draft.before.text === text;
    if (isUntouched && !Buffer.from(text).equals(draft.before?.bytes ?? Buffer.alloc(0))) {
      throw new PatchError(`cannot update ${draft.path}: it is not a UTF-8 text file`);
    }
    return text;
  }

  #draft(named: string): Draft {
    const path = resolve(this.#cwd, named);
    const real = resolveReal(path);
    const known = this.#drafts.get(real);
    if (known) return known;
    const before = this.#readState(real, path);
    const draft: Draft = {
      path,
      real,
      before,
      after: before?.text ?? null,
      movedTo: null,
      movedFrom: null,
    };
    this.#drafts.set(real, draft);
    return draft;
  }

  #readState(real: string, path: string): FileState | null {
    const read = this.#judged(real, path);
    switch (read.kind) {
      case "absent":
        return null;
      case "closed":
        throw new PatchError(`${path} ${read.why}; choose another file`);
      case "otherKind":
        throw new PatchError(`${path} is not a regular file`);
      case "tooLarge":
        throw new PatchError(`${path} is too large to patch (limit 16 MiB)`);
      case "changed":
        throw new PatchError(`${path} changed while it was read; try again`);
      case "read":
        return { bytes: read.bytes, text: read.bytes.toString(), mode: read.mode };
      default:
        return unreachable(read);
    }
  }

  #judged(real: string, path: string): JudgedFile {
    try {
      return readJudged(real, this.#whyClosed, maxFileBytes);
    } catch (error) {
      throw new PatchError(`cannot read ${path}: ${messageOf(error)}`, { cause: error });
    }
  }
}

function resolveReal(path: string): string {
  try {
    return realPath(path);
  } catch (error) {
    throw new PatchError(`cannot resolve ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
