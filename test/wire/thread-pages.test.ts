/** Pages of turns and items of a thread that grows meanwhile, over a real host and its homes. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import type { HostBench } from "../helpers/host-bench.ts";
import { unasked, useHostBench } from "../helpers/host-bench.ts";
import { answer, messageSteps, say } from "../helpers/mock-model.ts";
import { HostClient, startOn, stop } from "../helpers/running-host.ts";

const bench = useHostBench({ top: unasked });

type Mode = "legacy" | "paginated";

async function turn({ model, client }: HostBench, threadId: string, text: string): Promise<void> {
  model.enqueue(say(`answer to ${text}`));
  await client.turnEnded(await client.startTurn(threadId, text));
}

async function threadOf(on: HostBench, historyMode: Mode, count: number) {
  const started = await on.client.call("thread/start", { historyMode });
  const { id, path } = Object(started["thread"]);
  const threadId = String(id);
  for (let n = 1; n <= count; n += 1) await turn(on, threadId, `q${n}`);
  return { threadId, path: String(path) };
}

interface Page {
  /** What stands in the rows, for people. */
  readonly texts: readonly string[];
  readonly ids: readonly string[];
  readonly nextCursor: string | null;
  readonly backwardsCursor: string | null;
}

const said = (item: unknown): string => {
  const { content, text } = Object(item);
  return String(text ?? Object([content].flat()[0]).text);
};

async function page(client: HostClient, kind: "turns" | "items", params: object): Promise<Page> {
  const answered = await client.call(`thread/${kind}/list`, params);
  const rows = [answered["data"]].flat().map((row) => Object(row));
  return {
    texts: rows.map((row) => said(kind === "turns" ? row.items[0] : row.item)),
    ids: rows.map((row) => String(kind === "turns" ? row.id : row.item.id)),
    nextCursor: Object(answered)["nextCursor"],
    backwardsCursor: Object(answered)["backwardsCursor"],
  };
}

/** Pages to the end; `between` runs after each page that has another one behind it. */
async function allPages(
  client: HostClient,
  kind: "turns" | "items",
  params: object,
  between: () => Promise<void>,
): Promise<readonly Page[]> {
  const pages = [await page(client, kind, params)];
  for (;;) {
    const cursor = pages.at(-1)?.nextCursor ?? null;
    if (cursor === null) return pages;
    await between();
    pages.push(await page(client, kind, { ...params, cursor }));
  }
}

const rowsOf = (pages: readonly Page[]) => ({
  texts: pages.flatMap(({ texts }) => texts),
  distinct: new Set(pages.flatMap(({ ids }) => ids)).size,
});

/** An answer that goes on until `release`. */
function slowAnswer(text: string) {
  let release: (() => void) | undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const [added, ...rest] = messageSteps([text, " and more"]);
  const [first, ...later] = rest;
  if (added === undefined || first === undefined) throw new Error("an answer has pieces");
  return {
    reply: answer(added, first, { wait: released }, ...later),
    release: () => release?.(),
  };
}

const both = ["legacy", "paginated"] satisfies readonly Mode[];
const questions = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => `q${from + at}`);
const spoken = (from: number, to: number): readonly string[] =>
  questions(from, to).flatMap((text) => [text, `answer to ${text}`]);

describe.each(both)("the pages of a %s thread", (mode) => {
  it("forwards: each row once, those that came meanwhile too", async () => {
    const on = await bench();
    const { client } = on;
    const { threadId } = await threadOf(on, mode, 5);
    let count = 5;
    const grow = async (): Promise<void> => {
      if (count < 8) await turn(on, threadId, `q${(count += 1)}`);
    };
    const turnParams = { threadId, limit: 2, sortDirection: "asc" };
    const turns = await allPages(client, "turns", turnParams, grow);
    expect(rowsOf(turns)).toEqual({ texts: questions(1, count), distinct: count });
    expect(count).toBe(8);
    const items = await allPages(client, "items", { threadId, limit: 3 }, async () => {
      if (count < 10) await turn(on, threadId, `q${(count += 1)}`);
    });
    expect(rowsOf(items)).toEqual({ texts: spoken(1, count), distinct: 2 * count });
    expect(count).toBe(10);
  });

  it("backwards: what came meanwhile stands behind the cursor of the first page", async () => {
    const on = await bench();
    const { client } = on;
    const { threadId } = await threadOf(on, mode, 5);
    let count = 5;
    const grow = async (): Promise<void> => turn(on, threadId, `q${(count += 1)}`);
    for (const kind of ["turns", "items"] as const) {
      const seen = count;
      const expected = kind === "turns" ? questions(1, seen) : spoken(1, seen);
      const params = { threadId, limit: 2, sortDirection: "desc" };
      const pages = await allPages(client, kind, params, grow);
      expect(rowsOf(pages)).toEqual({
        texts: expected.toReversed(),
        distinct: expected.length,
      });
      const cursor = pages[0]?.backwardsCursor;
      const newer = await page(client, kind, {
        threadId,
        sortDirection: "asc",
        cursor,
        limit: 100,
      });
      const now = kind === "turns" ? questions(1, count) : spoken(1, count);
      expect(count).toBeGreaterThan(seen);
      expect(newer.texts).toEqual(now.slice(expected.length - 1));
    }
  });

  it("while a turn streams: its turn and its question are there once, then and afterwards", async () => {
    const on = await bench();
    const { client, model } = on;
    const { threadId } = await threadOf(on, mode, 3);
    const slow = slowAnswer("slowly");
    model.enqueue(slow.reply);
    const turnId = await client.startTurn(threadId, "q4");
    await client.until(
      ({ method, params }) => method === "item/agentMessage/delta" && params?.["turnId"] === turnId,
    );
    const params = { threadId, limit: 3, sortDirection: "asc" };
    const first = await page(client, "turns", params);
    const [oldest, newest] = [
      await page(client, "turns", { ...params, cursor: first.nextCursor }),
      await page(client, "turns", { threadId, limit: 1 }),
    ];
    expect([first.texts, oldest.texts, newest.texts]).toEqual([questions(1, 3), ["q4"], ["q4"]]);
    expect(newest.ids).toEqual([turnId]);
    const items = await page(client, "items", { threadId, limit: 7 });
    expect(items.texts.slice(0, 7)).toEqual([...spoken(1, 3), "q4"]);
    slow.release();
    await client.turnEnded(turnId);
    await turn(on, threadId, "q5");
    const goneOn = await page(client, "turns", { ...params, cursor: newest.backwardsCursor });
    expect(goneOn.texts).toEqual(["q4", "q5"]);
    const cursor = items.nextCursor ?? items.backwardsCursor;
    const rest = await page(client, "items", { threadId, cursor, limit: 100 });
    const known = new Set(items.nextCursor === null ? [] : items.ids);
    const all = ["slowly and more", ...spoken(5, 5)];
    expect(rest.texts.filter((_, at) => !known.has(rest.ids[at] ?? "")).slice(-3)).toEqual(all);
    const older = await page(client, "turns", { threadId, limit: 3, cursor: newest.nextCursor });
    expect(older.texts).toEqual(questions(1, 3).toReversed());
  });

  it("right after a restart, and right after another program put its file there", async () => {
    const on = await bench();
    const { threadId, path } = await threadOf(on, mode, 3);
    const kept = await page(on.client, "turns", { threadId, limit: 2 });
    await stop(on.host);
    await startOn(on.homes);
    const client = await HostClient.connect(on.homes);
    const rest = await page(client, "turns", { threadId, cursor: kept.nextCursor });
    expect([...kept.texts, ...rest.texts]).toEqual(["q3", "q2", "q1"]);
    const items = await page(client, "items", { threadId });
    expect(items.texts).toEqual(spoken(1, 3));
    for (const [at, kind] of (["turns", "items"] as const).entries()) {
      const other = `019a0000-0000-7000-8000-00000000000${at}`;
      const file = path.replaceAll(threadId, other);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, readFileSync(path, "utf8").replaceAll(threadId, other));
      const found = await page(client, kind, { threadId: other });
      expect(found.texts).toEqual(kind === "turns" ? questions(1, 3).toReversed() : spoken(1, 3));
    }
  });
});
