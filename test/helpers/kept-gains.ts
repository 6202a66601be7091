import type { ApprovalGains } from "../../src/protocol/approval-gains.ts";

/** Of a question that would allow nothing new. */
export const keptGains: ApprovalGains = {
  sandbox: "kept",
  network: false,
  proxied: false,
  hosts: [],
  read: [],
  write: [],
};
