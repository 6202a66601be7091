/** Prints what the attacks did, when a run was of attacks alone. */
import { writeSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";
import type { AttackReport } from "./attack.ts";

const titles = ["number", "what is tried", "tried", "amiss", "audit line", "ms", "figures"];
const widest = 78;

export class AttackTableReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    if (modules.some(({ moduleId }) => !moduleId.includes("/test/attack/"))) return;
    const reports = modules.flatMap((module) =>
      [...module.children.allTests()].flatMap((test) => test.meta().attack ?? []),
    );
    if (reports.length > 0) writeSync(1, `\n${table(reports)}\n`);
  }
}

export function table(reports: readonly AttackReport[]): string {
  const rows = [titles, ...reports.toSorted(byNumber).map(row)];
  const widths = titles.map((_, column) =>
    Math.min(widest, Math.max(...rows.map((cells) => cells[column]?.length ?? 0))),
  );
  const lines = rows.map((cells) =>
    cells
      .map((cell, column) => cell.slice(0, widest).padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return lines.join("\n");
}

function row(report: AttackReport): readonly string[] {
  const { number, what, tried, amiss, figures, audit, ms } = report;
  const more = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  const seen = audit.length > 0 ? audit.join(", ") : "-";
  return [number, what, String(tried), String(amiss), seen, String(ms), more.join(", ")];
}

const byNumber = (one: AttackReport, other: AttackReport): number =>
  one.number.localeCompare(other.number, "en", { numeric: true });
