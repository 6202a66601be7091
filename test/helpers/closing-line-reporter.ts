import { writeSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";

export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

export const closingLine = ({ passed, failed }: Tally): string =>
  `${passed} passed, ${failed} failed`;

/** Files that did not load, failed hooks and errors outside tests count as failed: green means that nothing went wrong. */
export function tally(
  modules: readonly Pick<TestModule, "children" | "errors">[],
  stray: number,
): Tally {
  const count = { passed: 0, failed: stray, skipped: 0, pending: 0 };
  for (const module of modules) {
    count.failed += module.errors().length;
    for (const suite of module.children.allSuites()) count.failed += suite.errors().length;
    for (const test of module.children.allTests()) count[test.result().state] += 1;
  }
  return count;
}

/** Ends the output of a run with one plain line, `N passed, N failed`, after everything else that is printed; what was skipped stands above it. */
export class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const line = closingLine(tally(modules, unhandledErrors.length));
    process.once("exit", () => {
      writeSync(1, `${line}\n`);
    });
  }
}
