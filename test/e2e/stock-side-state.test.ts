import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newFolder } from "../helpers/host-process.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import { say, startMockModel } from "../helpers/mock-model.ts";
import { mockModelConfig } from "../helpers/mock-model-config.ts";
import { stockBinary } from "../helpers/stock-binary.ts";
import type { Served, StockHome } from "../helpers/stock-servers.ts";
import { serveOurs, serveStock } from "../helpers/stock-servers.ts";

const binary = stockBinary("0.169.0");
const pinned = "01984de2-8f74-7c91-a3b2-5c5e937cf318";

interface Row {
  readonly id: string;
  readonly updatedAt: number;
  readonly section: { readonly id: string } | null;
}

/** Times of threads have whole seconds. */
const secondAfter = (second: number): Promise<void> =>
  delay(Math.max(0, (second + 1) * 1000 - Date.now()));

describe.skipIf(binary === undefined)(
  "what is kept beside a thread that the stock program changes (needs the stock program)",
  () => {
    const served: Served[] = [];
    let model: MockModel;
    let place: StockHome;
    let host: Served;
    let threadId = "";

    beforeAll(async () => {
      const home = newFolder("farhelm-side-state-");
      const cwd = join(home, "work");
      mkdirSync(cwd);
      mkdirSync(join(home, ".codex"));
      model = await startMockModel();
      writeFileSync(join(home, ".codex/config.toml"), mockModelConfig(model));
      place = { home, cwd };
      const first = await serveOurs(place);
      const { thread } = await first.peer.request<{ thread: Row }>("thread/start", { cwd });
      threadId = thread.id;
      model.enqueue(say("Hello."));
      await first.peer.turn(threadId, "hi");
      await goal(first, "One");
      await first.peer.request("thread/section/move", { threadId, sectionId: pinned });
      await first.stop();
      // from here on this program knows the thread from its index alone
      host = await serveOurs(place);
      served.push(host);
    });
    afterAll(async () => {
      for (const each of served.toReversed()) await each.stop();
      await model?.close();
      if (place !== undefined) rmSync(place.home, { recursive: true, force: true, maxRetries: 5 });
    });

    const goal = ({ peer }: Served, objective: string) =>
      peer.request("thread/goal/set", { threadId, objective, status: "paused" });

    const listed = async (archived: boolean): Promise<readonly Row[]> => {
      const params = { archived, useStateDbOnly: true };
      const { data } = await host.peer.request<{ data: Row[] }>("thread/list", params);
      return data;
    };

    /** Something that the stock program does while this one runs. */
    async function meanwhile(work: (stock: Served) => Promise<unknown>): Promise<void> {
      const stock = await serveStock(binary ?? "", place);
      try {
        await work(stock);
      } finally {
        await stock.stop();
      }
    }

    test("a turn of its own: the goal is kept, and the list knows when the thread was written", async () => {
      const [before] = await listed(false);
      expect(before).toMatchObject({ id: threadId, section: { id: pinned } });
      await meanwhile(async ({ peer }) => {
        await peer.request("thread/resume", { threadId });
        await secondAfter(before?.updatedAt ?? 0);
        model.enqueue(say("And again."));
        await peer.turn(threadId, "again");
      });
      await goal(host, "Two");
      const [after] = await listed(false);
      expect(after?.updatedAt).toBeGreaterThan(before?.updatedAt ?? 0);
      expect(await host.peer.request("thread/goal/get", { threadId })).toMatchObject({
        goal: { objective: "Two" },
      });
    });

    test("archived there: known here at the next change, and still in its section", async () => {
      await meanwhile(({ peer }) => peer.request("thread/archive", { threadId }));
      await expect(goal(host, "Three")).rejects.toThrow(`thread not found: ${threadId}`);
      expect(await listed(false)).toEqual([]);
      expect(await listed(true)).toMatchObject([{ id: threadId, section: { id: pinned } }]);
    });

    test("taken back there: known here at the next change", async () => {
      await meanwhile(({ peer }) => peer.request("thread/unarchive", { threadId }));
      await host.peer.request("thread/section/move", { threadId, sectionId: null });
      expect(await listed(false)).toMatchObject([{ id: threadId, section: null }]);
      expect(await listed(true)).toEqual([]);
    });

    test("deleted there: nothing is kept for it here any more", async () => {
      await meanwhile(({ peer }) => peer.request("thread/delete", { threadId }));
      await expect(goal(host, "Four")).rejects.toThrow(`thread not found: ${threadId}`);
      await expect(
        host.peer.request("thread/section/move", { threadId, sectionId: pinned }),
      ).rejects.toThrow(`thread not found: ${threadId}`);
      expect(await listed(false)).toEqual([]);
    });
  },
);
