/** What an approval would let happen, as a page shows it. Where it is signed, only what is signed counts. */
import type { FileUpdateChange } from "../../protocol/item.ts";
import type { ApprovalChallenge } from "../../protocol/signed-approval.ts";
import { bareCommand } from "./bare-command.ts";
import type { Approval } from "./host-view.ts";

export interface CommandSubject {
  /** What a person would type. */
  readonly text: string;
  /** What is around it, or the whole line; null: nothing. */
  readonly runsAs: string | null;
  readonly cwd: string;
}

type CommandApproval = Extract<
  Approval,
  { readonly method: "item/commandExecution/requestApproval" }
>;

export function commandSubject(
  { params }: CommandApproval,
  challenge: ApprovalChallenge | undefined,
): CommandSubject {
  if (challenge?.payload.kind === "command") {
    const { command, cwd } = challenge.payload;
    return { ...signedCommand(command), cwd };
  }
  const { command, commandActions, cwd } = params;
  const text = bareCommand(command, commandActions);
  return { text, runsAs: text === command ? null : command, cwd };
}

function signedCommand(command: readonly string[]): Pick<CommandSubject, "text" | "runsAs"> {
  const [shell, flag, script, ...more] = command;
  if (script !== undefined && more.length === 0 && (flag === "-c" || flag === "-lc")) {
    return { text: script, runsAs: `${shell} ${flag}` };
  }
  // each argument by itself, so that none can pass for two
  return { text: JSON.stringify(command, null, 1), runsAs: null };
}

/** Files that are written under other names than the changes show: behind symbolic links. */
export function linkedPaths(
  challenge: ApprovalChallenge | undefined,
  changes: readonly FileUpdateChange[],
): readonly string[] {
  if (challenge?.payload.kind !== "fileChange") return [];
  const shown = new Set(
    changes.flatMap(({ path, kind }) =>
      kind.type === "update" && kind.move_path !== null ? [path, kind.move_path] : [path],
    ),
  );
  return challenge.payload.realPaths.filter((path) => !shown.has(path));
}
