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

/** What a watch tells. */
export interface WatchListener {
  /** Absolute, as the caller named what is watched. The watched path itself: it, or more in it than is told one by one, changed. */
  changed(paths: readonly string[]): void;
  /** It was ended, or never began. */
  closed(): void;
}

/** Files and folders that clients have watched. `owner` is the caller's connection. */
export interface FileWatches {
  /** Resolves to the path without `.` and `..`. What is in a folder's folders is not watched. */
  start(
    owner: object,
    id: string,
    access: FileAccess,
    path: string,
    listener: WatchListener,
  ): Promise<string>;
  /** Nothing happens where there is none. */
  stop(owner: object, id: string): void;
  close(): void;
}

export interface FoundFile {
  /** As the caller named it. */
  readonly root: string;
  /** Relative to the root. */
  readonly path: string;
  readonly isFolder: boolean;
  readonly fileName: string;
  readonly score: number;
  /** Where in the path the letters of the query stand, by code points. */
  readonly indices: readonly number[];
}

/** A folder to search, as the caller named it and as an absolute path. */
export interface SearchRoot {
  readonly name: string;
  readonly path: string;
}

/** What is found for a query: as much as is known so far, the best first. */
export interface SearchListener {
  found(query: string, files: readonly FoundFile[]): void;
  /** All files were looked at for the last query. */
  completed(): void;
  /** It was stopped, or another one has its name. */
  closed(): void;
}

/** One search: for whom, and where. `owner` is the caller's connection. */
export interface SearchPlace {
  readonly owner: object;
  readonly access: FileAccess;
  readonly roots: readonly SearchRoot[];
}

/** What goes wrong is an `RpcError`. */
export interface FileSearches {
  /** Resolves to what was found until `signal` came, or the owner began another one with this token. */
  search(
    place: SearchPlace,
    query: string,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly FoundFile[]>;
  /** Finds the files once, to be searched again and again. Throws where the host has no room to remember more. */
  start(place: SearchPlace, id: string, listener: SearchListener): void;
  has(owner: object, id: string): boolean;
  /** What is found is told from now on, until the next update. Without a search of that name nothing happens. */
  update(owner: object, id: string, query: string): void;
  stop(owner: object, id: string): void;
  close(): void;
}
