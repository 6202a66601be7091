/** Paths of the host, which are POSIX paths. */

/** The last two parts: enough to recognise a folder in a list. */
export function shortPath(path: string): string {
  const parts = path.split("/").filter((part) => part !== "");
  return parts.length <= 2 ? path : `…/${parts.slice(-2).join("/")}`;
}

export const parentPath = (path: string): string => path.replace(/\/[^/]*\/?$/, "") || "/";

export const childPath = (path: string, name: string): string =>
  path.endsWith("/") ? path + name : `${path}/${name}`;

/** `path` as seen from `folder`, where it lies inside it. */
export const relativePath = (path: string, folder: string): string =>
  path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;
