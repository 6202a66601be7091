/**
 * The attack suite: one test per number of the list, against a real host over TCP. A test counts what it tried
 * and what was let in, and the runner asks the audit file for the line that the attack must have left.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ExpectedLine } from "./audit-lines.ts";
import { auditLines, linesSeen } from "./audit-lines.ts";
import { Bench, type BenchOptions } from "./bench.ts";

/** What one attack saw. `admitted` must be 0; further members are shown in the table. */
export interface Figures {
  readonly tried: number;
  readonly admitted: number;
  readonly [what: string]: number | string;
}

export interface AttackPlan {
  /** Each must be written while the attack runs. Empty only where nothing reaches the host (say why). */
  readonly expect: ExpectedLine | readonly ExpectedLine[];
  /** False where the machine lacks what it needs; the file says so aloud. */
  readonly possible?: boolean;
  readonly timeoutMs?: number;
}

/** What the table is made of. */
export interface AttackReport {
  readonly number: string;
  readonly what: string;
  readonly figures: Figures;
  /** `act code` of the lines that were asked for and seen. */
  readonly audit: readonly string[];
  readonly ms: number;
}

declare module "vitest" {
  interface TaskMeta {
    attack?: AttackReport;
  }
}

/** How long the host may take to write what it saw, on a slow machine. */
const auditMs = 10_000;
const startMs = 60_000;
const attackMs = 60_000;

let options: () => Promise<BenchOptions> = async () => ({});
let shared: Bench | undefined;
let registered = false;

/** Another host than the plain one for the attacks of this file; called before the first of them. */
export function useHost(make: () => Promise<BenchOptions>): void {
  options = make;
}

/** Registers one attack. All of a file meet the same host, each from an address of its own. */
export function attack(
  number: string,
  what: string,
  plan: AttackPlan,
  run: (bench: Bench) => Promise<Figures>,
): void {
  keepOneHost();
  const { possible = true, timeoutMs = attackMs } = plan;
  test(`${number}: ${what}`, { timeout: timeoutMs }, async ({ task, skip, onTestFailed }) => {
    if (!possible) skip(`SKIPPED: this machine lacks what ${number} needs`);
    if (shared === undefined) throw new Error("the host did not start");
    const bench = shared;
    onTestFailed(() => bench.tell());
    bench.moveOn();
    const before = auditLines(bench.farhelmHome).length;
    const startedMs = performance.now();
    const figures = await run(bench);
    const ms = Math.round(performance.now() - startedMs);
    expect(figures.admitted, "what was let in").toBe(0);
    expect(figures.tried, "an attack that tries nothing proves nothing").toBeGreaterThan(0);
    const audit = await linesSeen(bench.farhelmHome, before, [plan.expect].flat(), auditMs);
    await bench.stillAnswers();
    task.meta.attack = { number, what, figures, audit, ms };
  });
}

function keepOneHost(): void {
  if (registered) return;
  registered = true;
  beforeAll(async () => {
    shared = await Bench.start(await options());
  }, startMs);
  afterAll(async () => {
    await shared?.end();
    shared = undefined;
  }, startMs);
}
