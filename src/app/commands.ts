/** What runs commands and touches files: the agent's tools, and what clients do by themselves. */
import { homedir } from "node:os";
import { join } from "node:path";
import type { HostOptions } from "../cli/host.ts";
import type { HostSettings } from "../config/host-settings.ts";
import type { StoreKind } from "../config/store-kinds.ts";
import { createHostFiles } from "../files/host-files.ts";
import { commandsEnv } from "../store/open-store.ts";
import { createClientProcesses } from "../tools/client-processes.ts";
import { Confinement } from "../tools/confinement.ts";
import { PatchJournal } from "../tools/patch-journal.ts";
import { createTools } from "../tools/registry.ts";
import { createSandbox } from "../tools/sandbox/sandbox.ts";
import type { FailureLog } from "./failure-log.ts";

/** The host's own secrets. */
export const protectedPathsOf = ({ codexHome, farhelmHome }: HostOptions): readonly string[] => [
  farhelmHome,
  join(codexHome, "auth.json"),
];

/** With another store than the local one nothing of a thread is written under the homes, not even for a moment. */
export function commandParts(
  options: HostOptions,
  settings: HostSettings,
  kind: StoreKind,
  log: FailureLog,
) {
  const env = commandsEnv(kind, process.env);
  const { codexHome, farhelmHome } = options;
  const protectedPaths = protectedPathsOf(options);
  const sandbox = createSandbox({
    stateFolder: join(farhelmHome, "sandbox"),
    hidden: protectedPaths,
    path: process.env["PATH"] ?? "",
  });
  const confinement = new Confinement({ sandbox, environment: env, ...settings.sandbox });
  const patchJournalFolder = kind === "local" ? join(farhelmHome, "patches") : undefined;
  const journal = new PatchJournal(patchJournalFolder, log);
  return {
    tools: createTools({ log, protectedPaths, env, journal, confinement }),
    clientPorts: {
      processes: createClientProcesses({ protectedPaths, env, confinement }),
      ...createHostFiles({ protectedPaths, codexHome, userHome: homedir(), journal }),
    },
  };
}

export async function closeAll(
  ports: ReturnType<typeof commandParts>["clientPorts"],
): Promise<void> {
  ports.watches.close();
  ports.searches.close();
  await ports.processes.close();
}
