/** What a choice on the page says to the host. */
import type { ApprovalAnswer } from "../../client/farhelm-client.ts";
import type { Approval } from "./host-view.ts";

export type Choice = NonNullable<Approval["answered"]>;

/** Of permissions all or nothing is granted. */
export function answerTo(approval: Approval, choice: Choice): ApprovalAnswer {
  if (approval.method !== "item/permissions/requestApproval") return { decision: choice };
  if (choice === "decline") return { permissions: {}, scope: "turn" };
  const { network, fileSystem } = approval.params.permissions;
  const entries = fileSystem?.entries;
  const permissions = {
    ...(network?.enabled === true && { network: { enabled: true } }),
    ...(fileSystem && { fileSystem: entries ? { entries } : fileSystem }),
  };
  return { permissions, scope: choice === "accept" ? "turn" : "session" };
}
