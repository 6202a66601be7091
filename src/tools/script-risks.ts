/** What is known of the scripts that the agent wants to run: as much as its approval policy has to know. */
import { askRule } from "../permissions/approval-policy.ts";
import { type CommandRisk, riskOf } from "../permissions/command-risk.ts";
import type { ApprovalPolicy } from "../protocol/settings.ts";
import { readCommand } from "./read-command.ts";
import type { ParseScript } from "./shell-parser.ts";

export class ScriptRisks {
  readonly #parse: ParseScript;
  readonly #ownShell: string;

  /** `ownShell`: the user's, absolute. */
  constructor(parse: ParseScript, ownShell: string) {
    this.#parse = parse;
    this.#ownShell = ownShell;
  }

  /** `command`: a shell, its flag and a script. Never rejects. */
  async riskOf(command: readonly string[], policy: ApprovalPolicy): Promise<CommandRisk> {
    const mayDelete = /rm/.test((command[2] ?? "").replaceAll(/["'\\]/g, ""));
    const asksAlways = askRule(policy) === "always";
    if (!asksAlways && !mayDelete) return "unknown";
    const risk = riskOf(await readCommand(this.#parse, command, this.#ownShell));
    return risk === "forced" || asksAlways ? risk : "unknown";
  }
}
