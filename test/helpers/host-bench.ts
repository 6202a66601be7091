/** A host with a mock model, and a client on it: for tests that begin with no more than that. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach } from "vitest";
import type { HostOptions, RunningHost } from "../../src/cli/host.ts";
import type { MockModel } from "./mock-model.ts";
import { startMockModel } from "./mock-model.ts";
import type { Homes } from "./running-host.ts";
import { HostClient, configFor, startOn, stopHosts, temporaryHomes } from "./running-host.ts";

export interface HostBench {
  readonly model: MockModel;
  readonly homes: Homes;
  readonly host: RunningHost;
  readonly client: HostClient;
}

export interface HostBenchOptions {
  /** More lines of the top table of config.toml. */
  readonly top?: string;
  /** Further tables of it; `baseUrl`: the model's. */
  readonly tables?: (baseUrl: string) => string;
  readonly changes?: Partial<HostOptions>;
  readonly farhelmToml?: string;
}

/** A `top` with which the agent asks nobody for anything. */
export const unasked = 'approval_policy = "never"\nsandbox_mode = "danger-full-access"';

/** To be called once in a file: after each of its tests all hosts and models of it end. */
export function useHostBench(
  usual: HostBenchOptions = {},
): (options?: HostBenchOptions) => Promise<HostBench> {
  const models = new Set<MockModel>();
  afterEach(async () => {
    await stopHosts();
    for (const model of models) await model.close();
    models.clear();
  });
  return async (options = {}) => {
    const { top, tables, changes, farhelmToml } = { ...usual, ...options };
    const model = await startMockModel();
    models.add(model);
    const homes = temporaryHomes(configFor(model.baseUrl, top) + (tables?.(model.baseUrl) ?? ""));
    if (farhelmToml !== undefined) {
      mkdirSync(homes.farhelmHome, { mode: 0o700 });
      writeFileSync(join(homes.farhelmHome, "farhelm.toml"), farhelmToml);
    }
    const host = await startOn(homes, changes);
    return { model, homes, host, client: await HostClient.connect(homes) };
  };
}
