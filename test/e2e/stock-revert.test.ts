import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newFolder } from "../helpers/host-process.ts";
import { mockModelConfig } from "../helpers/mock-model-config.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import { say, startMockModel } from "../helpers/mock-model.ts";
import { stockBinary } from "../helpers/stock-binary.ts";
import type { Served, StockHome } from "../helpers/stock-servers.ts";
import { serveOurs, serveStock } from "../helpers/stock-servers.ts";
import type { StockPeer } from "../helpers/stock-peer.ts";

const binary = stockBinary("0.169.0");

interface Thread {
  readonly id: string;
  readonly turns: readonly {
    readonly id: string;
    readonly items: readonly { readonly [member: string]: unknown }[];
  }[];
}

const read = async (peer: StockPeer, threadId: string) => {
  await peer.request("thread/resume", { threadId });
  const params = { threadId, includeTurns: true };
  const { thread } = await peer.request<{ thread: Thread }>("thread/read", params);
  return thread.turns;
};
const textsOf = (turns: Thread["turns"]) => turns.map(({ items }) => items.at(-1)?.["text"]);

describe.skipIf(binary === undefined)(
  "turns that one program took back (needs the stock program)",
  () => {
    const served: Served[] = [];
    let model: MockModel;
    let place: StockHome;

    beforeEach(async () => {
      const home = newFolder("farhelm-stock-revert-");
      const cwd = join(home, "work");
      mkdirSync(cwd);
      mkdirSync(join(home, ".codex"));
      model = await startMockModel();
      writeFileSync(join(home, ".codex/config.toml"), mockModelConfig(model));
      place = { home, cwd };
    });
    afterEach(async () => {
      while (served.length > 0) await stopLast();
      await model?.close();
      if (place !== undefined) rmSync(place.home, { recursive: true, force: true, maxRetries: 5 });
    });

    const sides = {
      stock: () => serveStock(binary ?? "", place),
      ours: () => serveOurs(place),
    };
    const by = async (side: keyof typeof sides): Promise<StockPeer> => {
      const server = await sides[side]();
      served.push(server);
      return server.peer;
    };
    const stopLast = async (): Promise<void> => {
      await served.pop()?.stop();
    };
    const ask = async (peer: StockPeer, threadId: string, text: string): Promise<void> => {
      model.enqueue(say(`answer to ${text}`));
      await peer.turn(threadId, text);
    };
    const threadWith = async (peer: StockPeer, historyMode: string, ...texts: string[]) => {
      const params = { cwd: place.cwd, historyMode };
      const { thread } = await peer.request<{ thread: Thread }>("thread/start", params);
      for (const text of texts) await ask(peer, thread.id, text);
      return thread.id;
    };
    const sentLast = (): string => JSON.stringify(model.requests.at(-1)?.body["input"]);

    test.each([
      ["ours", "paginated", "an unknown"],
      ["ours", "legacy", "an unknown"],
      ["stock", "paginated", "a known"],
      ["stock", "legacy", "a known"],
    ] as const)(
      "by this one, of a thread made by %s (%s, %s one there), are gone there too",
      async (maker, historyMode, _known) => {
        let peer = await by(maker);
        const id = await threadWith(peer, historyMode, "one", "two", "three");
        await stopLast();
        peer = await by("ours");
        await peer.request("thread/resume", { threadId: id });
        await peer.request("thread/rollback", { threadId: id, numTurns: 1 });
        await ask(peer, id, "four");
        await peer.request("thread/rollback", { threadId: id, numTurns: 2 });
        const turns = await read(peer, id);
        expect(textsOf(turns)).toEqual(["answer to one"]);
        await stopLast();
        peer = await by("stock");
        const { data } = await peer.request<{ data: Thread[] }>("thread/list", {});
        // It lists every file of a thread, those of its own reverts as well.
        expect(new Set(data.map((thread) => thread.id))).toEqual(new Set([id]));
        const seen = await read(peer, id);
        expect(seen.map((turn) => turn.id)).toEqual(turns.map((turn) => turn.id));
        expect(textsOf(seen)).toEqual(["answer to one"]);
        await ask(peer, id, "five");
        expect(sentLast()).toContain("answer to one");
        expect(sentLast()).not.toMatch(/answer to (?:two|three|four)/);
        await stopLast();
        expect(textsOf(await read(await by("ours"), id))).toEqual([
          "answer to one",
          "answer to five",
        ]);
      },
      120_000,
    );

    test("by the stock program are gone here, while this one runs and after a restart", async () => {
      const here = await by("ours");
      const there = await by("stock");
      const id = await threadWith(there, "paginated", "one", "two", "three");
      await here.request("thread/list", {});
      const [, second] = await read(there, id);
      await there.request("thread/revert", { threadId: id, beforeTurnId: second?.id });
      await ask(there, id, "four");
      const texts = ["answer to one", "answer to four"];
      await stopLast();
      expect(textsOf(await read(here, id))).toEqual(texts);
      await ask(here, id, "five");
      expect(sentLast()).toContain("answer to four");
      expect(sentLast()).not.toMatch(/answer to (?:two|three)/);
      await stopLast();
      const again = await by("ours");
      const { data } = await again.request<{ data: Thread[] }>("thread/list", {});
      expect(data.map((thread) => thread.id)).toEqual([id]);
      expect(textsOf(await read(again, id))).toEqual([...texts, "answer to five"]);
    }, 120_000);
  },
);
