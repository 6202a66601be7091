import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isRecord } from "../../src/util/is-record.ts";
import type { KillHomes } from "../helpers/kill-host.ts";
import { KillableHost, killHomes, removeHomes } from "../helpers/kill-host.ts";
import { listOf, textIn } from "../helpers/kill-ledger.ts";
import type { KillModel } from "../helpers/kill-model.ts";
import { startKillModel } from "../helpers/kill-model.ts";
import type { Json, Told } from "../helpers/kill-peer.ts";
import { HostGone, KillPeer, Refused } from "../helpers/kill-peer.ts";
import { killConfig } from "../helpers/kill-run.ts";

const unknown = "outcome_unknown";

let model: KillModel;
let homes: KillHomes;
let host: KillableHost | undefined;

beforeAll(async () => {
  model = await startKillModel();
  homes = killHomes(killConfig(model));
});
afterAll(async () => {
  host?.strike();
  await host?.ended();
  removeHomes(homes);
  await model.close();
});

/** The next host of the same homes, and a peer of it. */
async function next(told: (told: Told) => void = () => {}): Promise<KillPeer> {
  host = new KillableHost(homes);
  await host.ready();
  return KillPeer.connect(`ws+unix://${join(homes.farhelmHome, "control.sock")}:/`, told);
}

async function kill(peer: KillPeer): Promise<void> {
  host?.strike();
  await host?.ended();
  await peer.closed;
}

const turnIdOf = ({ turn }: Json): string => (isRecord(turn) ? textIn(turn, "id") : "");

type Outcome = { readonly turnId: string } | { readonly refused: string };

/** Rejects with `HostGone`. */
const outcomeOf = (call: Promise<Json>): Promise<Outcome> =>
  call.then(
    (answer) => ({ turnId: turnIdOf(answer) }),
    (error: unknown) => {
      if (!(error instanceof Refused)) throw error;
      return { refused: textIn(Object(JSON.parse(error.message)).data ?? {}, "code") };
    },
  );

const said = (text: string): object => ({ type: "text", text, text_elements: [] });

/** The turns of the thread in which somebody said this. */
async function turnsWith(
  peer: KillPeer,
  threadId: string,
  text: string,
): Promise<readonly string[]> {
  const { thread } = await peer.call("thread/read", { threadId, includeTurns: true });
  return listOf(isRecord(thread) ? thread["turns"] : [])
    .filter((turn) => JSON.stringify(turn["items"]).includes(text))
    .map((turn) => textIn(turn, "id"));
}

type Moment = (
  told: (method: string) => Promise<unknown>,
  sent: Promise<unknown>,
) => Promise<unknown>;

/** When the host dies, after `turn/start` went out. */
const moments: readonly (readonly [string, Moment])[] = [
  ["at once", async () => undefined],
  ...[1, 2, 3, 5, 8].map((ms) => [`after ${ms} ms`, () => delay(ms)] as const),
  ["when it was answered", (_told, sent) => sent],
  ["when the turn was announced", (told) => told("turn/started")],
  ["when the agent spoke", (told) => told("item/agentMessage/delta")],
  ["when the turn was over", (told) => told("turn/completed")],
];

test("a message that is sent again after the host was killed begins one turn, or none is begun again", async () => {
  const seen: string[] = [];
  let peer = await next();
  const { thread } = await peer.call("thread/start", {});
  const threadId = isRecord(thread) ? textIn(thread, "id") : "";
  await peer.call("turn/start", { threadId, input: [said("brief first")] });
  await kill(peer);
  for (const [index, [moment, wait]] of moments.entries()) {
    const text = `brief word-${index}-`;
    const params = { threadId, input: [said(text)] };
    const key = randomUUID();
    const waiting = new Map<string, () => void>();
    peer = await next(({ method }) => waiting.get(method)?.());
    await peer.call("thread/resume", { threadId });
    const told = (method: string): Promise<void> =>
      new Promise((resolve) => void waiting.set(method, resolve));
    const sent = outcomeOf(peer.call("turn/start", params, key)).catch((error: unknown) => {
      if (error instanceof HostGone) return undefined;
      throw error;
    });
    await wait(told, sent);
    await kill(peer);
    const acknowledged = await sent;

    peer = await next();
    await peer.call("thread/resume", { threadId });
    const again = await outcomeOf(peer.call("turn/start", params, key));
    const known = "refused" in again ? { refused: unknown } : again;
    expect([moment, again]).toEqual([moment, acknowledged ?? known]);
    const turns = await turnsWith(peer, threadId, text);
    const begun = "turnId" in again ? [again.turnId] : turns.slice(0, 1);
    expect([moment, turns]).toEqual([moment, begun]);
    expect(await outcomeOf(peer.call("turn/start", params, key))).toEqual(again);
    expect(await turnsWith(peer, threadId, text)).toEqual(turns);
    const first = acknowledged === undefined ? "" : ", answered";
    seen.push(`${moment}${first}: ${"refused" in again ? again.refused : "one turn"}`);
    await kill(peer);
  }
  process.stdout.write(`${seen.join("\n")}\n`);
}, 240_000);

test("a call that was under way when the host was killed is unknown, and is not made again", async () => {
  const mark = join(homes.work, "ran");
  let peer = await next();
  const params = {
    command: ["sh", "-c", `echo ran >> ${mark}; exec sleep 600`],
    sandboxPolicy: { type: "dangerFullAccess" },
  };
  const first = peer.call("command/exec", params, "exec-1");
  first.catch(() => undefined);
  await expect.poll(() => existsSync(mark), { timeout: 20_000 }).toBe(true);
  await kill(peer);
  await expect(first).rejects.toBeInstanceOf(HostGone);
  peer = await next();
  expect(await outcomeOf(peer.call("command/exec", params, "exec-1"))).toEqual({
    refused: unknown,
  });
  expect(readFileSync(mark, "utf8")).toBe("ran\n");
  await host?.stop();
});
