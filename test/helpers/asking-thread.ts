/** Threads whose agent may ask for permissions, and what it asks. */
import { mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { HostBench, HostBenchOptions } from "./host-bench.ts";
import { useHostBench } from "./host-bench.ts";
import type { MockReply } from "./mock-model.ts";
import { answer, functionCall } from "./mock-model.ts";
import type { Sent } from "./text-frames.ts";

const settings = 'approval_policy = "on-request"\nsandbox_mode = "workspace-write"';

/** Without the temporary folders, in which the homes of tests are. */
export const workspaceTable = `
[sandbox_workspace_write]
exclude_slash_tmp = true
exclude_tmpdir_env_var = true
`;
export const permissionFeatures = `
[features]
request_permissions_tool = true
exec_permission_approvals = true
`;

export const isPermissionsAsk = ({ method }: Sent): boolean =>
  method === "item/permissions/requestApproval";

export const permissionsCall = (
  permissions: object,
  callId: string,
  more: object = {},
): MockReply => answer(...functionCall("request_permissions", { permissions, ...more }, callId));

export const writing = (path: string) => ({ file_system: { write: [path] } });

/** The answer to a question that grants all of it. */
export const everything =
  (scope: string) =>
  ({ permissions }: Readonly<Record<string, unknown>>): object => ({ permissions, scope });

/** For a file of tests: opens a thread that may write in its folder, beside a folder `out` that it may not. */
export function useAskingThread() {
  const bench = useHostBench({
    top: settings,
    tables: () => workspaceTable + permissionFeatures,
  });
  return async (options: HostBenchOptions = {}) => {
    const opened = await bench(options);
    const out = join(realpathSync(opened.homes.root), "out");
    mkdirSync(out);
    const threadId = await opened.client.startThread({ cwd: opened.homes.cwd });
    return { ...opened, out, threadId };
  };
}

/** What the model was told last for a call. */
export function toldOf({ model }: HostBench, callId: string): string {
  const input: unknown[] = model.requests
    .flatMap(({ body }): unknown[] => (Array.isArray(body["input"]) ? body["input"] : []))
    .toReversed();
  const output = input.find(
    (item) => Object(item)["call_id"] === callId && "output" in Object(item),
  );
  return String(Object(output)["output"]);
}
