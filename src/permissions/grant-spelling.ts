/** How wishes are written down: to clients, to the model, and for those who sign. */
import type { FileSystemAccess, FileSystemEntry } from "../protocol/permission-profile.ts";
import type { RequestedPermissions } from "../protocol/server-requests.ts";
import type { ApprovalAdditions } from "../protocol/signed-approval.ts";
import type { Wish } from "./grants.ts";

/** As clients are asked: the older lists beside the entries, where plain paths say all of it. */
export function requestedOf({ network, entries }: Wish): RequestedPermissions {
  const said = entries.map(({ entry }) => entry);
  const { read, write } = plainPaths(said);
  return {
    network: network ? { enabled: true } : null,
    fileSystem: said.length === 0 ? null : { read, write, entries: said },
  };
}

/** As the model is told what it was given. */
export function grantedText({ network, entries }: Wish): object {
  const said = entries.map(({ entry }) => entry);
  const { read, write } = plainPaths(said);
  const lists = { ...(read && { read }), ...(write && { write }) };
  return {
    network: network ? { enabled: true } : null,
    file_system: said.length === 0 ? null : (read ?? write) ? lists : { entries: said },
  };
}

/** For those who sign: what it adds, where it leads. */
export const additionsOf = ({ network, entries }: Wish): ApprovalAdditions => {
  const places = entries.flatMap((each) => each.places);
  const pathsOf = (wanted: FileSystemAccess): string[] =>
    places.flatMap(({ path, access }) => (access === wanted ? [path] : []));
  return { network, read: pathsOf("read"), write: pathsOf("write") };
};

interface PlainPaths {
  readonly read: string[] | null;
  readonly write: string[] | null;
}

function plainPaths(entries: readonly FileSystemEntry[]): PlainPaths {
  const isPlain = entries.every(({ path }) => path.type === "path");
  const of = (wanted: FileSystemAccess): string[] | null => {
    const paths = entries.flatMap(({ path, access }) =>
      isPlain && path.type === "path" && access === wanted ? [path.path] : [],
    );
    return paths.length === 0 ? null : paths;
  };
  return { read: of("read"), write: of("write") };
}
