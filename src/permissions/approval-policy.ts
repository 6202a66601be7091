import type { ApprovalPolicy } from "../protocol/settings.ts";

/** What an approval policy comes down to for commands and patches. */
export type AskRule = "always" | "whenNeeded" | "never";

/** A granular policy asks where needed, unless its `sandbox_approval` switch is off. */
export function askRule(policy: ApprovalPolicy): AskRule {
  switch (policy) {
    case "untrusted":
      return "always";
    case "on-request":
      return "whenNeeded";
    case "never":
      return "never";
    default:
      return policy.granular.sandbox_approval ? "whenNeeded" : "never";
  }
}
