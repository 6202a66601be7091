/** One run: what the plan of its seed says, and then everything heals and is looked at. */
import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../helpers/seeded-random.ts";
import type { Lane } from "./lane.ts";
import type { Fault, Plan, Step } from "./plan.ts";
import { stepText } from "./plan.ts";
import { Rest } from "./rest.ts";
import { Scene } from "./scene.ts";
import type { Decision, SceneClient } from "./scene-client.ts";

/** Summed over runs, to say what they went through. */
export interface RunFigures {
  readonly clients: number;
  /** Of them, those that are the program's own. */
  readonly library: number;
  readonly acts: number;
  readonly faults: number;
  readonly hostEnds: number;
  readonly snapshots: number;
  readonly replays: number;
  readonly gaps: number;
  readonly questions: number;
  readonly retriesAnswered: number;
  readonly unknownOutcomes: number;
}

/** So much of the log is told of a run that failed. */
const toldLines = process.env["FARHELM_RECONNECT_TRACE"] === "1" ? 5_000 : 120;
const toldFaults = 6;

/** Rejects with the seed, what is wrong, and what happened. */
export async function runPlan(lane: Lane, plan: Plan): Promise<RunFigures> {
  const random = seededRandom(plan.seed * 7919 + 1);
  const scene = new Scene({
    lane,
    seed: plan.seed,
    clients: plan.clients.map(({ kind }) => kind),
    decide: () => decisionOf(random),
    backOffMs: () => Math.floor(random() * 10),
  });
  try {
    await scene.begin();
    await makeThreads(scene, plan, random);
    for (const step of plan.steps) {
      scene.log(`> ${stepText(step)}`);
      await perform(scene, step);
      if (step.pauseMs > 0) await delay(step.pauseMs);
    }
    const wrong = await new Rest(scene).wrong();
    if (wrong.length > 0) throw new Error(wrong.slice(0, toldFaults).join("\n"));
    return figuresOf(scene, plan);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const log = scene.lines.slice(-toldLines).join("\n");
    throw new Error(`seed ${plan.seed}: ${why}\n${log}`, { cause: error });
  } finally {
    await scene.end();
  }
}

/** Some answer at once, some late, some leave it to others. */
function decisionOf(random: () => number): Decision | undefined {
  const when = random();
  if (when < 0.4) return undefined;
  const decision = random() < 0.7 ? "accept" : "decline";
  return { decision, afterMs: when < 0.7 ? 0 : Math.floor(random() * 15) };
}

/** The first client says something in each of the first threads; who is to, watches. */
async function makeThreads(scene: Scene, plan: Plan, random: () => number): Promise<void> {
  const { deeds } = scene;
  const [first, ...others] = scene.clients;
  if (first === undefined) return;
  for (let made = 0; made < plan.threads; made += 1) {
    await deeds.do(first, "start", random());
    await deeds.do(first, "say", (made + 0.5) / (made + 1));
  }
  const watching = others.flatMap((client, at) =>
    (plan.clients[at + 1]?.watches ?? []).map((place) => client.watch(deeds.threads[place] ?? "")),
  );
  await Promise.all(watching);
}

async function perform(scene: Scene, step: Step): Promise<void> {
  if (step.kind === "host") return scene.endHost(step.how);
  const client = scene.clients[step.client];
  if (client === undefined) return;
  if (step.kind === "act") scene.under.push(scene.deeds.do(client, step.act, step.choice));
  else scene.under.push(breakLine(scene, step.client, client, step.fault));
}

async function breakLine(
  scene: Scene,
  at: number,
  client: SceneClient,
  fault: Fault,
): Promise<void> {
  const proxy = scene.proxies[at];
  if (proxy === undefined) return;
  switch (fault.kind) {
    case "cut":
      proxy.cut();
      return;
    case "cutAt":
      void proxy.cutAt({
        direction: fault.direction,
        at: fault.at,
        afterFrames: fault.afterFrames,
      });
      return;
    case "cutAfter":
      void proxy.cutAt({ direction: fault.direction, afterBytes: fault.bytes });
      return;
    case "silent":
      proxy.swallow();
      await delay(fault.ms);
      // As a heartbeat finds it, in much less time.
      client.giveUp();
      proxy.heal();
      return;
    case "refuse":
      proxy.refuse();
      proxy.cut();
      await delay(fault.ms);
      proxy.heal();
      return;
    case "slow":
      proxy.setPace({ pieceBytes: fault.pieceBytes });
      await delay(fault.ms);
      proxy.setPace(undefined);
      return;
    default:
      throw new Error(`no such fault: ${String(fault satisfies never)}`);
  }
}

function figuresOf({ clients, deeds }: Scene, plan: Plan): RunFigures {
  const sum = (of: (client: SceneClient) => number): number =>
    clients.reduce((total, client) => total + of(client), 0);
  const ended = deeds.all.map(({ end }) => end);
  return {
    clients: clients.length,
    library: plan.clients.filter(({ kind }) => kind === "library").length,
    acts: deeds.all.length,
    faults: plan.steps.filter(({ kind }) => kind === "fault").length,
    hostEnds: deeds.ends,
    snapshots: sum(({ view }) => view.outcomes.snapshot),
    replays: sum(({ view }) => view.outcomes.replayed),
    gaps: sum(({ view }) => view.outcomes.gap),
    questions: new Set(clients.flatMap(({ view }) => [...view.asked.keys()])).size,
    retriesAnswered: ended.filter((end) => end?.kind === "answered" && end.replayed).length,
    unknownOutcomes: ended.filter(
      (end) => end?.kind === "refused" && end.code === "outcome_unknown",
    ).length,
  };
}
