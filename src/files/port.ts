/** What clients may do with the files of the host. Everything rejects with `RpcError`, system errors included. */
import type { RpcError } from "../protocol/errors.ts";

/** Folders of which one must hold every path that a caller names, by real path. */
export interface Bounds {
  readonly folders: readonly string[];
  /** What the caller is told of a path outside of them. */
  refusal(path: string): RpcError;
}

/** For whom it is done. A path must be within all of these bounds; without any the whole host is open. */
export interface FileAccess {
  readonly bounds: readonly Bounds[];
  /** False: not where programs look for what they shall do. */
  readonly mayWriteSettings: boolean;
}

export interface FileFacts {
  /** Of what the path leads to. */
  readonly isDirectory: boolean;
  readonly isFile: boolean;
  /** Of the path itself. */
  readonly isSymlink: boolean;
  /** Unix time in milliseconds; 0 where the file system does not know it. */
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
}

export interface FolderEntry {
  readonly fileName: string;
  readonly isDirectory: boolean;
  readonly isFile: boolean;
}

/** What a file must hold for a write to happen: its SHA-256 in hex, or `absent`: there is no such file. */
export type ExpectedContent = string;

/** Paths are absolute. */
export interface Files {
  read(access: FileAccess, path: string): Promise<Buffer>;
  facts(access: FileAccess, path: string): Promise<FileFacts>;
  list(access: FileAccess, path: string): Promise<readonly FolderEntry[]>;
  /** Whole or not at all: nobody ever sees half a file. */
  write(
    access: FileAccess,
    path: string,
    bytes: Buffer,
    expected: ExpectedContent | undefined,
  ): Promise<void>;
  createFolder(access: FileAccess, path: string, isRecursive: boolean): Promise<void>;
  /** `isForced`: it is no error that nothing is there. */
  remove(
    access: FileAccess,
    path: string,
    options: { readonly isRecursive: boolean; readonly isForced: boolean },
  ): Promise<void>;
  /** `isRecursive`: folders, too. */
  copy(access: FileAccess, from: string, to: string, isRecursive: boolean): Promise<void>;
}

/** Where temporary files are written down before they are made, so that those of a killed program are found. */
export interface TemporaryJournal {
  /** What it returns is for when none is left. */
  begin(temporaries: readonly string[]): () => void;
}
