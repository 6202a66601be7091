import type { HostOptions, RunningHost } from "./cli/host.ts";

/** The composition root: builds the implementations and joins them. */
export function startHost(_options: HostOptions): Promise<RunningHost> {
  return Promise.reject(new Error("the host is not joined together yet"));
}
