/** What must hold when everything has healed and come to rest. */
import { existsSync, readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { isRecord } from "../../src/util/is-record.ts";
import { listOf, textIn } from "../helpers/kill-ledger.ts";
import type { Json } from "../helpers/kill-peer.ts";
import type { HostClient } from "../helpers/running-host.ts";
import type { Deed, Deeds } from "./deeds.ts";
import { counterFile } from "./talk-model.ts";
import type { SceneClient } from "./scene-client.ts";

/** A thread as the host reads it to somebody who was never cut off: what a copy of it shows, and what is read. */
export async function readThread(
  umpire: HostClient,
  threadId: string,
): Promise<{ readonly shown: Json; readonly readState: unknown }> {
  const read = (includeTurns: boolean): Promise<Json> =>
    umpire.call("thread/read", { threadId, includeTurns });
  // In which nothing was said has no turns to read.
  const { thread, readState } = await read(true).catch(() => read(false));
  const { id, name, status, turns, section } = isRecord(thread) ? thread : {};
  const shown = {
    id,
    name,
    status,
    sectionId: isRecord(section) ? section["id"] : null,
    turns: listOf(turns).map(({ itemsView: _view, ...turn }) => turn),
  };
  return { shown, readState };
}

/** Copies that are not what the host has; empty when all are the same. */
export function strayCopies(
  clients: readonly SceneClient[],
  threads: ReadonlyMap<string, Json>,
): readonly string[] {
  return clients.flatMap(({ name, view }) =>
    [...view.watched].flatMap((threadId) => {
      const shown = view.copies.get(threadId)?.shown();
      const real = threads.get(threadId);
      if (real === undefined) return `${name} watches ${threadId}, which is gone`;
      if (isDeepStrictEqual(shown, real)) return [];
      return `${name} has of ${threadId} ${difference(shown, real).join("; ")}`;
    }),
  );
}

const toldChars = 400;

/** Where two JSON values differ, each place with what stands there and there. */
function difference(one: unknown, other: unknown, path = "$"): readonly string[] {
  if (isDeepStrictEqual(one, other)) return [];
  const [left, right] = [membersOf(one), membersOf(other)];
  if (left === undefined || right === undefined) {
    const [mine, real] = [one, other].map((value) => JSON.stringify(value));
    return [`${path}: ${mine?.slice(0, toldChars)}, and the host ${real?.slice(0, toldChars)}`];
  }
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((name) =>
    difference(left[name], right[name], `${path}.${name}`),
  );
}

/** Those of a list go by their places. */
function membersOf(value: unknown): Json | undefined {
  if (Array.isArray(value)) return Object.fromEntries(value.entries());
  return isRecord(value) ? value : undefined;
}

/** Events that do not fit together, in what a client was sent of one thread. */
export const wrongPlaces = (clients: readonly SceneClient[]): readonly string[] =>
  clients.flatMap(({ name, view }) =>
    [...view.copies.values()].flatMap((copy) => copy.faults.map((fault) => `${name}: ${fault}`)),
  );

const countOf = (text: string, key: string): number => text.split(key).length - 1;

/** What people wrote in a thread, as one text. */
const inputsOf = (thread: Json): string =>
  JSON.stringify(
    listOf(thread["turns"])
      .flatMap((turn) => listOf(turn["items"]))
      .filter((item) => item["type"] === "userMessage")
      .map((item) => item["content"]),
  );

export interface Found {
  readonly deeds: Deeds;
  readonly threads: ReadonlyMap<string, Json>;
  readonly queues: ReadonlyMap<string, readonly Json[]>;
  /** Everything that the umpire heard, over all hosts of the run. */
  readonly heard: readonly Json[];
}

/** Everything that was done twice, or not at all though the host said that it was. */
export function wrongEffects(found: Found): readonly string[] {
  const { deeds, threads } = found;
  const counter = deeds.fileOf(counterFile);
  const ran = existsSync(counter) ? readFileSync(counter, "utf8") : "";
  return [
    ...deeds.all.filter(({ act }) => inputs.has(act)).flatMap((deed) => wrongInput(deed, found)),
    ...deeds.all.filter(({ act }) => act === "name").flatMap((deed) => wrongName(deed, found)),
    ...deeds.all
      .filter(({ act, key }) => act === "run" && countOf(ran, `${key}\n`) > 1)
      .map((deed) => `${told(deed)} ran twice`),
    ...wrongThreads(found),
    ...wrongQueues(found),
    ...commandsOf(threads, ran),
  ];
}

/** What people wrote stands in the thread or waits in its queue, once. */
function wrongInput(deed: Deed, { deeds, threads, queues }: Found): readonly string[] {
  const thread = threads.get(deed.threadId);
  if (thread === undefined) return [];
  const queued = JSON.stringify(queues.get(deed.threadId) ?? []);
  const count = countOf(inputsOf(thread), ` ${deed.key}"`) + countOf(queued, ` ${deed.key}"`);
  const [least, most] = boundsOf(deed);
  const takers = deed.act === "queueAdd" ? [...takersBack, "queueDelete" as const] : takersBack;
  const mayBeGone = deeds.mayHaveBeen(takers, deed.threadId);
  const wrong = count > most || (count < least && !mayBeGone);
  return wrong ? [`${told(deed)} is there ${count} times`] : [];
}

/** After these what people wrote may be gone. */
const takersBack = ["revert", "rollback"] as const;

/** A name is told once: nobody else gives the same. What was told while the host came back may have gone unheard. */
function wrongName(deed: Deed, { deeds, heard }: Found): readonly string[] {
  const count = heard.filter(({ threadName }) => threadName === deed.key).length;
  const [least, most] = boundsOf(deed);
  const wrong = count > most || (count < least && deeds.ends === 0);
  return wrong ? [`${told(deed)} was told ${count} times`] : [];
}

function wrongThreads({ deeds, heard }: Found): readonly string[] {
  const made = new Set(heard.flatMap(({ thread }) => (isRecord(thread) ? [thread["id"]] : [])));
  const makers = deeds.all.filter(({ act }) => act === "start" || act === "fork");
  const most = makers.filter((deed) => boundsOf(deed)[1] === 1).length;
  return made.size > most ? [`${made.size} threads for ${most} calls`] : [];
}

/** What waits begins by itself, but behind a turn that was interrupted; one that was taken back may have been. */
function wrongQueues({ deeds, threads, queues }: Found): readonly string[] {
  return [...threads].flatMap(([threadId, thread]) => {
    const waiting = queues.get(threadId)?.length ?? 0;
    const last = listOf(thread["turns"]).at(-1)?.["status"];
    const mayWait = last === "interrupted" || deeds.mayHaveBeen(takersBack, threadId);
    return waiting === 0 || mayWait
      ? []
      : `${waiting} messages wait for ${threadId}, which is idle`;
  });
}

const inputs: ReadonlySet<string> = new Set([
  "say",
  "slow",
  "run",
  "patch",
  "long",
  "steer",
  "queueAdd",
]);

const told = ({ client, act, key, threadId, end }: Deed): string =>
  `${client}'s ${act} ${key} of ${threadId} (${end?.kind ?? "no answer"})`;

/** How often the deed may have had its effect, at least and at most. */
function boundsOf({ end }: Deed): readonly [number, number] {
  if (end?.kind === "answered") return [1, 1];
  if (end?.kind === "refused" && end.code !== "outcome_unknown") return [0, 0];
  return [0, 1];
}

/** A command that reads as completed ran once, a declined one not at all. */
function commandsOf(threads: ReadonlyMap<string, Json>, ran: string): readonly string[] {
  const items = [...threads.values()]
    .flatMap((thread) => listOf(thread["turns"]))
    .flatMap((turn) => listOf(turn["items"]))
    .filter((item) => item["type"] === "commandExecution");
  return items.flatMap((item) => {
    const key = /echo (k\d+k) >>/.exec(textIn(item, "command"))?.[1];
    if (key === undefined) return [];
    const count = countOf(ran, `${key}\n`);
    const { status } = item;
    if (status === "completed" && count !== 1) return `${key} completed and ran ${count} times`;
    return status === "declined" && count !== 0 ? `${key} was declined and ran ${count} times` : [];
  });
}

/** Questions: who answered is told alike to all; nothing waits any more, and nobody shows that it does. */
export function wrongAnswers(clients: readonly SceneClient[]): readonly string[] {
  const wrong: string[] = [];
  const winners = new Map<string, string>();
  const words = new Map<string, string>();
  for (const { name: teller, view } of clients) {
    for (const { threadId, epoch, requestId, answer } of view.resolved) {
      const name = `${threadId} ${epoch} ${requestId}`;
      // Who comes back too late for the event is told that it is over, and no more.
      const winner = answer === undefined ? undefined : JSON.stringify(answer);
      if (winner === undefined) continue;
      if ((winners.get(name) ?? winner) !== winner) wrong.push(`two answers won ${name}`);
      winners.set(name, winner);
    }
    for (const [name, text] of view.asked) {
      if ((words.get(name) ?? text) !== text) wrong.push(`${name} is not the same to all`);
      words.set(name, text);
    }
    for (const copy of view.copies.values()) {
      const open = [...copy.questions.keys()];
      if (view.watched.has(copy.id) && open.length > 0)
        wrong.push(`${teller} still shows ${open.join()} of ${copy.id}`);
    }
  }
  return wrong;
}

/** Only a host that ended without waiting leaves a call of which nobody knows what became. */
export const wrongUnknowns = ({ all }: Deeds): readonly string[] =>
  all
    .filter(
      ({ end, cutShort }) => end?.kind === "refused" && end.code === "outcome_unknown" && !cutShort,
    )
    .map((deed) => `nobody knows of ${told(deed)}`);

/** A host that did not end has no reason to fail by itself. */
export const wrongFailures = ({ all, ends }: Deeds): readonly string[] =>
  all
    .filter(
      ({ end }) => ends === 0 && end?.kind === "refused" && end.message.includes("host's log"),
    )
    .map((deed) => `the host failed at ${told(deed)}`);
