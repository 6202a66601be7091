/**
 * The attack suite: one test per number of the list, against a real host over TCP. A test counts what it tried
 * and what was let in, and the runner asks the audit file for the line that the attack must have left. What nobody
 * does on purpose (lines that break, hosts that end) is a fault: it counts what was lost, doubled or late, and leaves no line.
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

/** What one fault did. `astray` must be 0: whatever was lost, done twice, told wrongly or came too late. */
export interface FaultFigures {
  readonly tried: number;
  readonly astray: number;
  readonly [what: string]: number | string;
}

export interface FaultPlan {
  /** False where the machine lacks what it needs; the file says so aloud. */
  readonly possible?: boolean;
  readonly timeoutMs?: number;
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
  readonly tried: number;
  /** What was let in, or went astray. */
  readonly amiss: number;
  /** Everything else that was counted. */
  readonly figures: Readonly<Record<string, number | string>>;
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
  const { expect: lines, ...rest } = plan;
  register({ number, what, ...rest }, [lines].flat(), async (bench) => {
    const { tried, admitted: amiss, ...figures } = await run(bench);
    expect(amiss, "what was let in").toBe(0);
    return { tried, amiss, figures };
  });
}

/** Registers one fault, as an attack that nobody makes: there is nobody to deny anything to, and no line to ask for. */
export function fault(
  number: string,
  what: string,
  plan: FaultPlan,
  run: (bench: Bench) => Promise<FaultFigures>,
): void {
  register({ number, what, ...plan }, [], async (bench) => {
    const { tried, astray: amiss, ...figures } = await run(bench);
    expect(amiss, "what went astray").toBe(0);
    return { tried, amiss, figures };
  });
}

interface Registered extends FaultPlan {
  readonly number: string;
  readonly what: string;
}

function register(
  { number, what, possible = true, timeoutMs = attackMs }: Registered,
  lines: readonly ExpectedLine[],
  run: (bench: Bench) => Promise<Pick<AttackReport, "tried" | "amiss" | "figures">>,
): void {
  keepOneHost();
  test(`${number}: ${what}`, { timeout: timeoutMs }, async ({ task, skip, onTestFailed }) => {
    if (!possible) skip(`SKIPPED: this machine lacks what ${number} needs`);
    if (shared === undefined) throw new Error("the host did not start");
    const bench = shared;
    onTestFailed(() => bench.tell());
    bench.moveOn();
    const before = auditLines(bench.farhelmHome).length;
    const startedMs = performance.now();
    const seen = await run(bench);
    const ms = Math.round(performance.now() - startedMs);
    expect(seen.tried, "an attack that tries nothing proves nothing").toBeGreaterThan(0);
    const audit = await linesSeen(bench.farhelmHome, before, lines, auditMs);
    await bench.stillAnswers();
    task.meta.attack = { number, what, ...seen, audit, ms };
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
