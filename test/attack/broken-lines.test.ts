/** Lines that break and hosts that end at chosen moments: afterwards every client has what the host has, and nothing was done twice. */
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { LaneKind } from "../reconnect/lane.ts";
import { Lane } from "../reconnect/lane.ts";
import type { Act } from "../reconnect/plan.ts";
import { Rest } from "../reconnect/rest.ts";
import { Scene } from "../reconnect/scene.ts";
import type { SceneClient } from "../reconnect/scene-client.ts";
import type { ThreadCopy } from "../reconnect/thread-copy.ts";
import { fault } from "./attack.ts";

/** Everything as it is told in order to play it: the first client knows how to come back, the second only resumes. */
interface Stage {
  readonly scene: Scene;
  readonly first: SceneClient;
  readonly second: SceneClient;
  readonly threadId: string;
  readonly copy: () => ThreadCopy;
  /** Does it as the first client, in the thread; resolves with its end. */
  readonly do: (act: Act) => Promise<unknown>;
}

/** Plays it, lets everything heal, and says what is wrong then. */
async function staged(kind: LaneKind, play: (stage: Stage) => Promise<void>): Promise<number> {
  const lane = await Lane.start(kind);
  const scene = new Scene({
    lane,
    seed: 0,
    clients: ["counts", "stock"],
    decide: () => undefined,
    backOffMs: () => 3,
  });
  try {
    await scene.begin();
    const [first, second] = scene.clients;
    if (first === undefined || second === undefined) throw new Error("two clients were wanted");
    await scene.deeds.do(first, "start", 0.7);
    await scene.deeds.do(first, "say", 0);
    const [threadId = ""] = scene.deeds.threads;
    await second.watch(threadId);
    const copy = (): ThreadCopy => {
      const known = first.view.copies.get(threadId);
      if (known === undefined) throw new Error("the thread is not watched");
      return known;
    };
    await expect
      .poll(() => copy().turnCount === 1 && copy().activeTurn === undefined, soon)
      .toBe(true);
    await play({
      scene,
      first,
      second,
      threadId,
      copy,
      do: (act) => scene.deeds.do(first, act, 0),
    });
    const wrong = await new Rest(scene).wrong();
    if (wrong.length > 0) throw new Error([...wrong, ...scene.lines].join("\n"));
    return wrong.length;
  } finally {
    await scene.end();
    await lane.end();
  }
}

const soon = { timeout: 20_000, interval: 2 };

const isBack = (client: SceneClient, threadId: string): Promise<void> =>
  expect.poll(() => client.connected && client.view.subscribed.has(threadId), soon).toBe(true);

const directions = ["toHost", "toClient"] as const;
const boundaries = ["before", "header", "payload", "character", "after"] as const;

fault(
  "F1",
  "lines cut before, in the header, in the payload, in a character and behind the frames around a call",
  { timeoutMs: 180_000 },
  async () => {
    let tried = 0;
    const astray = await staged("local", async (stage) => {
      const { scene, first, threadId } = stage;
      for (const direction of directions) {
        for (const at of boundaries) {
          for (const afterFrames of [0, 1, 2]) {
            await isBack(first, threadId);
            const broken = scene.proxies[0]?.cutAt({ direction, at, afterFrames });
            const deed = stage.do(at === "payload" ? "run" : "say");
            // Frames of both directions, with characters of every length, until the line breaks.
            const over = new AbortController();
            void broken?.then(() => over.abort());
            while (!over.signal.aborted) {
              first.answerAll("accept");
              void first.call(
                "thread/read",
                { threadId, note: "\u00e4\u20ac\u{1f600}" },
                { changes: false },
              );
              await delay(5);
            }
            await deed;
            tried += 1;
          }
        }
      }
    });
    return { tried, astray };
  },
);

type Moment = readonly [Act, (stage: Stage) => Promise<unknown>];

const begun = ({ copy }: Stage): Promise<void> =>
  expect.poll(() => copy().activeTurn === undefined, soon).toBe(false);
const asked = ({ copy }: Stage): Promise<void> =>
  expect.poll(() => copy().questions.size, soon).toBe(1);

const moments: readonly Moment[] = [
  ["slow", begun],
  ["run", asked],
  [
    "run",
    async (stage) => {
      await asked(stage);
      stage.first.answerAll("accept");
      await delay(4);
    },
  ],
  ["patch", begun],
  ["say", () => Promise.resolve()],
  ["fork", () => Promise.resolve()],
];

fault(
  "F2",
  "a host killed in the middle of a text, a question, a command, a patch, a call and a fork",
  { timeoutMs: 240_000 },
  async () => {
    let unknown = 0;
    const astray = await staged("killed", async (stage) => {
      const { scene, first, threadId } = stage;
      for (const [act, come] of moments) {
        await isBack(first, threadId);
        const deed = stage.do(act);
        await come(stage);
        await scene.endHost("kill");
        await deed;
      }
      const ends = scene.deeds.all.map(({ end }) => end);
      unknown = ends.filter(
        (end) => end?.kind === "refused" && end.code === "outcome_unknown",
      ).length;
    });
    return { tried: moments.length, astray, unknown };
  },
);

fault(
  "F5",
  "a host that comes back with another epoch, and one that comes back with nothing",
  { timeoutMs: 120_000 },
  async () => {
    let gaps = 0;
    const kept = await staged("local", async (stage) => {
      const { scene, first, threadId, copy } = stage;
      await stage.do("slow");
      const before = copy().position?.epoch;
      await scene.endHost("restart");
      await isBack(first, threadId);
      gaps = first.view.outcomes.gap;
      expect([first.view.outcomes.replayed, gaps, copy().position?.epoch === before]).toEqual([
        0,
        1,
        false,
      ]);
      await stage.do("say");
    });
    const lost = await staged("memory", async (stage) => {
      const { scene, first, second, threadId } = stage;
      await scene.endHost("restart");
      // Nobody goes on as if it were there.
      await expect
        .poll(() => [first, second].some(({ view }) => view.watched.has(threadId)), soon)
        .toBe(false);
      expect(first.view.outcomes.replayed).toBe(0);
      scene.deeds.deleted.add(threadId);
    });
    return { tried: 2, astray: kept + lost, gaps };
  },
);

fault(
  "F6",
  "more missed than is kept: all of it is given up, and never a part given",
  { timeoutMs: 120_000 },
  async () => {
    let outcomes = "";
    const astray = await staged("local", async (stage) => {
      const { scene, first, second, threadId, copy } = stage;
      const [line] = scene.proxies;
      const away = async (act: Act, times: number): Promise<void> => {
        line?.refuse();
        line?.cut();
        const turns = copy().turnCount;
        for (let done = 0; done < times; done += 1) {
          await scene.deeds.do(second, act, 0);
          const ended = (): boolean => second.view.copies.get(threadId)?.activeTurn === undefined;
          const count = (): number => second.view.copies.get(threadId)?.turnCount ?? 0;
          await expect.poll(() => ended() && count() === turns + done + 1, soon).toBe(true);
        }
        line?.heal();
        await isBack(first, threadId);
      };
      await away("say", 2);
      expect(first.view.outcomes).toMatchObject({ replayed: 1, gap: 0 });
      await away("long", 4);
      expect(first.view.outcomes).toMatchObject({ replayed: 1, gap: 1 });
      await away("say", 1);
      expect(first.view.outcomes).toMatchObject({ replayed: 2, gap: 1 });
      outcomes = JSON.stringify(first.view.outcomes).replaceAll('"', "");
    });
    return { tried: 3, astray, outcomes };
  },
);

fault(
  "F7",
  "a client that comes back ten times and has missed nothing stays where it is",
  { timeoutMs: 120_000 },
  async () => {
    const rounds = 10;
    let moved = 0;
    const astray = await staged("local", async (stage) => {
      const { scene, first, second, threadId, copy } = stage;
      const [line] = scene.proxies;
      const rests = (): boolean => copy().activeTurn === undefined;
      await expect.poll(rests, soon).toBe(true);
      await first.call("thread/loaded/list", {}, { changes: false });
      const before = copy().position;
      for (let round = 0; round < rounds; round += 1) {
        line?.cut();
        await expect.poll(() => first.view.outcomes.replayed, soon).toBe(round + 1);
        await isBack(first, threadId);
        if (JSON.stringify(copy().position) !== JSON.stringify(before)) moved += 1;
      }
      // What comes next is not missed for it.
      line?.refuse();
      line?.cut();
      await scene.deeds.do(second, "say", 0);
      line?.heal();
      await isBack(first, threadId);
      await expect.poll(() => (copy().position?.seq ?? 0) > (before?.seq ?? 0), soon).toBe(true);
    });
    return { tried: rounds + 1, astray: astray + moved };
  },
);

const retried: readonly Act[] = ["start", "say", "name", "fork", "queueAdd", "steer", "archive"];

fault(
  "F8",
  "calls whose answers are lost and that are made again, and one call sent five times",
  { timeoutMs: 120_000 },
  async () => {
    let answered = 0;
    const astray = await staged("local", async (stage) => {
      const { scene, first, threadId } = stage;
      const { umpire } = scene;
      for (const act of retried) {
        await isBack(first, threadId);
        if (act === "steer") {
          await stage.do("slow");
          await begun(stage);
        }
        const broken = scene.proxies[0]?.cutAt({
          direction: "toClient",
          afterFrames: 0,
          at: "before",
        });
        await Promise.all([broken, stage.do(act)]);
      }
      answered = scene.deeds.all.filter(
        ({ end }) => end?.kind === "answered" && end.replayed,
      ).length;
      await umpire.call("thread/unarchive", { threadId });
      await umpire.call("thread/resume", { threadId });
      const input = [{ type: "text", text: "say five-times" }];
      const request = { method: "turn/start", params: { threadId, input }, idempotencyKey: "five" };
      for (let time = 0; time < 5; time += 1) {
        umpire.sendText(JSON.stringify({ id: `five${time}`, ...request }));
      }
      const turns = new Set<unknown>();
      for (let time = 0; time < 5; time += 1) {
        const { result } = await umpire.until(({ id }) => id === `five${time}`);
        turns.add(Object(Object(result)["turn"])["id"]);
      }
      expect(turns.size).toBe(1);
      await umpire.turnEnded([...turns][0]);
      const { thread } = await umpire.call("thread/read", { threadId, includeTurns: true });
      expect(JSON.stringify(thread).split("say five-times").length).toBe(2);
    });
    expect(answered).toBeGreaterThan(0);
    return { tried: retried.length + 5, astray, answeredFromTheLedger: answered };
  },
);
