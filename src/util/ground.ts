import { realPath } from "./real-path.ts";

/** The folders that a permission profile counts from where work is done in `cwd`, symlinks followed. */
export const groundAt = (
  cwd: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
) => ({
  places: { cwd, workspaceRoots: [cwd], tmpdir: environment["TMPDIR"] },
  realPath: (path: string): string => realPath(path),
});
