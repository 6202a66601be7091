import type { Context } from "../dispatch/context.ts";
import type { Bounds, FileAccess } from "../files/port.ts";
import { deniedRequest } from "../protocol/errors.ts";
import { mayUnconfine } from "../protocol/host-policy.ts";

/** What of the host's files the caller may touch: what its scope and the host's policy leave. */
export function fileAccessOf({ host, principal }: Context): FileAccess {
  const { fileRoots } = host.policy;
  const { scope, kind } = principal;
  const bounds: Bounds[] = [];
  if (fileRoots !== undefined && kind !== "local") bounds.push(policyBounds(fileRoots));
  if (scope) bounds.push(scopeBounds(scope.projects ?? []));
  return { bounds, mayWriteSettings: mayUnconfine(principal.role, host.policy) };
}

const policyBounds = (folders: readonly string[]): Bounds => ({
  folders,
  refusal: (path) =>
    deniedRequest(
      "outside_file_roots",
      `path \`${path}\` is outside of the folders that this host opens to other machines (${listed(folders)}); name one inside, or have the owner add it to \`file_roots\` in farhelm.toml`,
    ),
});

const scopeBounds = (folders: readonly string[]): Bounds => ({
  folders,
  refusal: (path) =>
    deniedRequest(
      "scope",
      `${path} is out of reach of this access: it may work in ${listed(folders)}.`,
    ),
});

const listed = (folders: readonly string[]): string =>
  folders.length > 0 ? folders.join(", ") : "none";
