import { resolve } from "node:path";
import { isRecord } from "../util/is-record.ts";
import { CliError } from "./cli-error.ts";
import { withHost } from "./control-client.ts";
import { deviceCells, deviceHead } from "./device-table.ts";
import { homes } from "./homes.ts";
import type { Setting } from "./program.ts";
import { table } from "./table.ts";
import { parseTtl } from "./token.ts";

/** The command line of `devices change` as commander read it. */
export interface ChangeFlags {
  readonly role?: string;
  readonly roleFor?: string;
  readonly expiresIn?: string;
  readonly neverExpires: boolean;
  readonly project: readonly string[];
  readonly thread: readonly string[];
  readonly wholeHost: boolean;
}

export async function changeDevice(
  { outside, version, startedIn }: Setting,
  id: string,
  flags: ChangeFlags,
): Promise<void> {
  const change = changeOf(flags, startedIn);
  if (Object.keys(change).length === 0)
    throw new CliError(
      'There is nothing to change; "npx farhelm devices change --help" shows what can be.',
    );
  const { device } = await withHost(outside, homes(outside.env), version, (control) =>
    control.call("farhelm/devices/change", { id, ...change }),
  );
  if (isRecord(device)) outside.stdout.write(table(deviceHead, [deviceCells(device)]));
}

function changeOf(flags: ChangeFlags, startedIn: string): object {
  const { role, roleFor, expiresIn, neverExpires, project, thread, wholeHost } = flags;
  const scope = {
    ...(project.length > 0 && { projects: project.map((path) => resolve(startedIn, path)) }),
    ...(thread.length > 0 && { threads: thread }),
  };
  return {
    ...(role !== undefined && { role }),
    ...(roleFor !== undefined && { roleUntilMs: Date.now() + parseTtl(roleFor, "--role-for") }),
    ...(neverExpires && { expiresAtMs: null }),
    ...(expiresIn !== undefined && {
      expiresAtMs: Date.now() + parseTtl(expiresIn, "--expires-in"),
    }),
    ...(wholeHost && { scope: null }),
    ...(Object.keys(scope).length > 0 && { scope }),
  };
}
