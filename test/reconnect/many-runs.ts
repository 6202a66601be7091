/** Seeded runs in great number: side by side on a few hosts, each of which sees many of them. */
import type { LaneKind } from "./lane.ts";
import { Lane } from "./lane.ts";
import type { PlanOptions } from "./plan.ts";
import { planOf } from "./plan.ts";
import type { RunFigures } from "./seeded-run.ts";
import { runPlan } from "./seeded-run.ts";

/** A home becomes slow to look through; after so many runs there is a new one. */
const runsOfOneHome = 40;

interface Sort {
  readonly lane: LaneKind;
  readonly ends: PlanOptions["ends"];
}

/** Of twenty runs one kills its host, one ends it in good order, four keep nothing on disk, and one keeps all in Postgres. */
function sortOf(seed: number): Sort {
  if (seed % 20 === 0) return { lane: "killed", ends: "kill" };
  if (seed % 20 === 10) return { lane: "local", ends: "restart" };
  if (seed % 20 === 7) return { lane: "postgres", ends: seed % 40 === 7 ? "restart" : "never" };
  return { lane: seed % 5 === 1 ? "memory" : "local", ends: "never" };
}

/** How many hosts of a sort work side by side: most of what a run does is to wait. */
const width: Readonly<Record<LaneKind, number>> = {
  local: 3,
  memory: 1,
  postgres: 1,
  killed: 1,
};

/** A long series says now and then how far it is. */
const runsBetweenWords = 250;

type Total = Record<keyof RunFigures | "runs" | "ms", number>;

/** After so many failures the rest is left out. */
const maxFailures = 5;

const again = (seed: number | undefined): string =>
  `FARHELM_RECONNECT_SEED=${seed} FARHELM_RECONNECT_TRACE=1 npx vitest run --config test/vitest.config.ts --root . test/reconnect/reconnect.test.ts`;

/** Rejects with the seeds of the runs that are not as they must be, how to make one again, and of the first what is wrong and its log. */
export async function manyRuns(from: number, count: number): Promise<Total> {
  const startedMs = performance.now();
  const total: Total = {
    runs: 0,
    ms: 0,
    clients: 0,
    library: 0,
    acts: 0,
    faults: 0,
    hostEnds: 0,
    snapshots: 0,
    replays: 0,
    gaps: 0,
    questions: 0,
    retriesAnswered: 0,
    unknownOutcomes: 0,
  };
  const seeds = Array.from({ length: count }, (_, at) => from + at);
  const kinds: readonly LaneKind[] = ["local", "memory", "postgres", "killed"];
  const failures = new Map<number, unknown>();
  const workers = kinds.flatMap((kind) => {
    const own = seeds.filter((seed) => sortOf(seed).lane === kind);
    return Array.from({ length: Math.min(width[kind], own.length) }, () =>
      work(kind, own, failures, (figures) => add(total, figures)),
    );
  });
  await Promise.all(workers);
  if (failures.size > 0) {
    const [[seed, cause] = []] = failures;
    const failed = `of ${total.runs + failures.size} runs these seeds failed: ${[...failures.keys()].join()}`;
    throw new Error(`${failed}\nTo run one again: ${again(seed)}`, { cause });
  }
  total.ms = Math.round(performance.now() - startedMs);
  return total;
}

/** Takes one seed after another until there is none. */
async function work(
  kind: LaneKind,
  seeds: number[],
  failures: Map<number, unknown>,
  done: (figures: RunFigures) => void,
): Promise<void> {
  while (seeds.length > 0 && failures.size < maxFailures) {
    const lane = await Lane.start(kind);
    try {
      await runOn(lane, seeds, failures, done);
    } finally {
      await lane.end();
    }
  }
}

/** Until the home has seen enough, or a run of it failed. */
async function runOn(
  lane: Lane,
  seeds: number[],
  failures: Map<number, unknown>,
  done: (figures: RunFigures) => void,
): Promise<void> {
  for (let runs = 0; runs < runsOfOneHome && failures.size < maxFailures; runs += 1) {
    const seed = seeds.shift();
    if (seed === undefined) return;
    try {
      done(await runPlan(lane, planOf(seed, sortOf(seed))));
    } catch (error) {
      failures.set(seed, error);
      // At once: what is left may take an hour.
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      return;
    }
  }
}

function add(total: Total, figures: RunFigures): void {
  total.runs += 1;
  for (const name of names) total[name] += figures[name];
  if (total.runs % runsBetweenWords === 0)
    process.stderr.write(`so far: ${JSON.stringify(total)}\n`);
}

const names = [
  "clients",
  "library",
  "acts",
  "faults",
  "hostEnds",
  "snapshots",
  "replays",
  "gaps",
  "questions",
  "retriesAnswered",
  "unknownOutcomes",
] as const;
