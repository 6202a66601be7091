import type { ApprovalPolicy, SandboxPolicy } from "../protocol/settings.ts";
import { askRule } from "./approval-policy.ts";
import type { Decision } from "./command-decision.ts";
import { isWritable, writableArea } from "./sandbox-policy.ts";

export interface PatchQuestion {
  readonly approvalPolicy: ApprovalPolicy;
  readonly sandboxPolicy: SandboxPolicy;
  readonly cwd: string;
  /** Every path that the patch writes, moves or deletes: absolute and real. */
  readonly paths: readonly string[];
  /** `$TMPDIR`, if it is set. */
  readonly tmpdir: string | undefined;
  /** Resolves symlinks, for the writable roots. */
  realPath(path: string): string;
}

/** Whether a patch is applied, needs a person, or is refused. */
export function decidePatch(question: PatchQuestion): Decision {
  const rule = askRule(question.approvalPolicy);
  if (rule === "always") return { kind: "ask", reason: null };
  const named = writableArea(question.sandboxPolicy, question.cwd, question.tmpdir);
  const area =
    named.kind === "everywhere"
      ? named
      : { ...named, roots: named.roots.map((root) => question.realPath(root)) };
  const outside = question.paths.find((path) => !isWritable(path, area));
  if (outside === undefined) return { kind: "run" };
  if (rule === "whenNeeded") return { kind: "ask", reason: null };
  return { kind: "refuse", message: refusal(question.sandboxPolicy, outside) };
}

function refusal(policy: SandboxPolicy, outside: string): string {
  const cause =
    policy.type === "readOnly"
      ? "the sandbox is read-only"
      : `${outside} is outside of the folders that may be written`;
  return (
    `patch rejected: ${cause}, and the approval policy is \`never\`. ` +
    "Ask the user to choose approval policy `on-request` or another sandbox mode."
  );
}
