import { copyPath } from "./file-copying.ts";
import { FileGuard, type GuardedPlaces } from "./file-guard.ts";
import { factsOf, listFolder, readWhole } from "./file-reading.ts";
import { removePath } from "./file-removing.ts";
import { FileWriting } from "./file-writing.ts";
import { FolderMaking } from "./folder-making.ts";
import { HostSearches } from "./file-searches.ts";
import { HostWatches } from "./host-watches.ts";
import type { FileSearches, FileWatches, Files, TemporaryJournal } from "./port.ts";
import { toldBySystem } from "./system-error.ts";

export interface HostFilesOptions extends GuardedPlaces {
  readonly journal: TemporaryJournal;
}

export interface HostFiles {
  readonly files: Files;
  readonly watches: FileWatches;
  readonly searches: FileSearches;
}

export function createHostFiles({ journal, ...places }: HostFilesOptions): HostFiles {
  const guard = new FileGuard(places);
  return {
    files: filesOf(guard, new FileWriting(guard, journal)),
    watches: new HostWatches(guard),
    searches: new HostSearches(guard),
  };
}

function filesOf(guard: FileGuard, writing: FileWriting): Files {
  return {
    read: (access, path) => toldBySystem(() => readWhole(guard, access, path)),
    facts: (access, path) => toldBySystem(() => factsOf(guard, access, path)),
    list: (access, path) => toldBySystem(() => listFolder(guard, access, path)),
    write: (access, path, bytes, expected) =>
      toldBySystem(() => writing.write(access, path, bytes, expected)),
    createFolder: (access, path, isRecursive) =>
      toldBySystem(() => createFolder(new FolderMaking(guard, access, path), isRecursive)),
    remove: (access, path, options) => toldBySystem(() => removePath(guard, access, path, options)),
    copy: (access, from, to, isRecursive) =>
      toldBySystem(() => copyPath({ guard, writing, access, from, to }, isRecursive)),
  };
}

const createFolder = (making: FolderMaking, isRecursive: boolean): Promise<void> =>
  isRecursive ? making.ensured(async () => undefined) : making.one();
