import type { CommandExecutionItem } from "../../protocol/item.ts";
import { bareCommand } from "../state/bare-command.ts";
import { durationText } from "../state/terminal-text.ts";
import { CommandOutput } from "./command-output.tsx";
import { VisibleText } from "./visible-text.tsx";
import { WorkMark } from "./work-mark.tsx";

export function CommandCard({ item }: { readonly item: CommandExecutionItem }) {
  const output = item.aggregatedOutput ?? "";
  return (
    <section className="card command-card" aria-label="Command">
      <header className="card-head">
        <WorkMark status={item.status} failed={item.exitCode !== null && item.exitCode !== 0} />
        <code className="command-text">
          <VisibleText text={bareCommand(item.command, item.commandActions)} />
        </code>
      </header>
      <p className="card-path">
        <span>in {item.cwd}</span>
        <span className="card-facts">
          {item.exitCode !== null && <span>exit {item.exitCode}</span>}
          {item.durationMs !== null && <span>{durationText(item.durationMs)}</span>}
        </span>
      </p>
      {output.trim() !== "" && <CommandOutput output={output} />}
    </section>
  );
}
