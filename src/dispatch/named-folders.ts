import { isRecord } from "../util/is-record.ts";

/** Members of params, at the top or in settings below it, by which a client names folders and files of the host. */
export const folderMembers: ReadonlySet<string> = new Set([
  "cwd",
  "path",
  "sourcePath",
  "destinationPath",
  "roots",
  "writableRoots",
  "runtimeWorkspaceRoots",
]);

/** Members of which anything may hang: keys of the configuration. */
const opaqueMembers: ReadonlySet<string> = new Set(["config"]);

/** Everything that the params name of the host's folders and files. `config` counts as the root: it may name any. */
export function foldersNamed(params: unknown): readonly string[] {
  if (Array.isArray(params)) return params.flatMap(foldersNamed);
  if (!isRecord(params)) return [];
  return Object.entries(params).flatMap(([member, value]) => {
    if (value === null || value === undefined) return [];
    if (opaqueMembers.has(member)) return ["/"];
    // the entries of a permission profile have a path in their path
    const named = folderMembers.has(member) ? textsIn(value) : [];
    return [...named, ...foldersNamed(value)];
  });
}

const textsIn = (value: unknown): readonly string[] =>
  [value].flat(1).filter((each) => typeof each === "string");
