import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "../../src/db/database.ts";
import { ThreadId } from "../../src/protocol/ids.ts";
import { createLocalStore } from "../../src/store/local/local-store.ts";
import { uuidV7 } from "../../src/util/uuid-v7.ts";
import { newFolder } from "../helpers/host-process.ts";
import type { MockModel, MockReply, MockRequest } from "../helpers/mock-model.ts";
import { answer, customCall, functionCall, say, startMockModel } from "../helpers/mock-model.ts";
import { stockBinary } from "../helpers/stock-binary.ts";
import type { Served, StockHome } from "../helpers/stock-servers.ts";
import { serveOurs, serveStock } from "../helpers/stock-servers.ts";

const binary = stockBinary("0.169.0");

interface Item {
  readonly id: string;
  readonly type: string;
  readonly [member: string]: unknown;
}
interface Turn {
  readonly id: string;
  readonly status: string;
  readonly items: readonly Item[];
}
interface Thread {
  readonly id: string;
  readonly name: string | null;
  readonly preview: string;
  readonly path: string;
  readonly turns: readonly Turn[];
}

/** What the tool's offer says decides how the patch is sent, as models do. */
function patchCall(request: MockRequest, text: string): MockReply {
  const tools = request.body["tools"];
  const offered = JSON.stringify(Array.isArray(tools) ? tools : []);
  return offered.includes('"name":"apply_patch"')
    ? answer(...customCall("apply_patch", text))
    : answer(...functionCall("exec_command", { cmd: `apply_patch <<'EOF'\n${text}\nEOF\n` }));
}

/** What people see of turns. Times are the programs' own. */
const shown = (turns: readonly Turn[]) =>
  turns.map(({ id, status, items }) => ({
    id,
    status,
    items: items.map(({ startedAtMs: _started, completedAtMs: _completed, ...item }) => item),
  }));

/** The stock program shows no commands of a `legacy` thread once it was closed, its own neither. */
const withoutCommands = (turns: readonly Turn[]): readonly Turn[] =>
  turns.map((turn) => ({
    ...turn,
    items: turn.items.filter(({ type }) => type !== "commandExecution"),
  }));

describe.skipIf(binary === undefined).each(["paginated", "legacy"] as const)(
  "a %s thread that both programs write in turns (needs the stock program)",
  (historyMode) => {
    const served: Served[] = [];
    let model: MockModel;
    let place: StockHome;
    let threadId = "";

    const stock = async (): Promise<Served> => {
      const server = await serveStock(binary ?? "", place);
      served.push(server);
      return server;
    };
    const ours = async (): Promise<Served> => {
      const server = await serveOurs(place);
      served.push(server);
      return server;
    };
    const stopLast = async (): Promise<void> => {
      await served.pop()?.stop();
    };

    beforeAll(async () => {
      const home = newFolder("farhelm-round-trip-");
      const cwd = join(home, "work");
      mkdirSync(cwd);
      mkdirSync(join(home, ".codex"));
      model = await startMockModel();
      writeFileSync(
        join(home, ".codex/config.toml"),
        [
          'model = "mock-model"',
          'model_provider = "mock"',
          'approval_policy = "never"',
          'sandbox_mode = "danger-full-access"',
          "check_for_update_on_startup = false",
          "[model_providers.mock]",
          'name = "Mock"',
          `base_url = "${model.baseUrl}"`,
          'wire_api = "responses"',
          "requires_openai_auth = false",
        ].join("\n"),
      );
      place = { home, cwd };
    });
    afterAll(async () => {
      while (served.length > 0) await stopLast();
      await model?.close();
      if (place !== undefined) rmSync(place.home, { recursive: true, force: true, maxRetries: 5 });
    });

    /** A turn with a command, a patch and words; the thread as the program shows it afterwards. */
    async function leg({ peer }: Served, step: number): Promise<Thread> {
      if (threadId === "") {
        const started = await peer.request<{ thread: Thread }>("thread/start", {
          cwd: place.cwd,
          historyMode,
        });
        threadId = started.thread.id;
      } else await peer.request("thread/resume", { threadId });
      const patch = `*** Begin Patch\n*** Add File: file-${step}.txt\n+written in step ${step}\n*** End Patch`;
      model.enqueue(
        answer(...functionCall("exec_command", { cmd: `echo out of step ${step}` })),
        (request) => patchCall(request, patch),
        say(`Step ${step} `, "is done."),
      );
      await peer.turn(threadId, `do step ${step}`);
      const { thread } = await peer.request<{ thread: Thread }>("thread/read", {
        threadId,
        includeTurns: true,
      });
      return thread;
    }

    async function readBy(side: () => Promise<Served>): Promise<Thread> {
      const { peer } = await side();
      await peer.request("thread/resume", { threadId });
      const params = { threadId, includeTurns: true };
      const { thread } = await peer.request<{ thread: Thread }>("thread/read", params);
      await stopLast();
      return thread;
    }

    test("has the same turns in both at the end, and the model was sent all of them", async () => {
      const sides = [stock, ours, stock, ours, stock];
      for (const [index, side] of sides.entries()) {
        const { turns } = await leg(await side(), index + 1);
        expect(turns.map(({ status }) => status)).toEqual(
          Array.from({ length: index + 1 }, () => "completed"),
        );
        await stopLast();
        const file = join(place.cwd, `file-${index + 1}.txt`);
        expect(readFileSync(file, "utf8")).toBe(`written in step ${index + 1}\n`);
      }
      const sent = JSON.stringify(model.requests.at(-1)?.body["input"]);
      for (let step = 1; step <= sides.length; step += 1) {
        expect(sent).toContain(`do step ${step}`);
        expect(sent).toContain(`out of step ${step}`);
        expect(sent.includes(`Step ${step} is done.`)).toBe(step < sides.length);
      }

      const seenByUs = (await readBy(ours)).turns;
      const seenByStock = (await readBy(stock)).turns;
      const common = historyMode === "legacy" ? withoutCommands(seenByUs) : seenByUs;
      expect(shown(common)).toEqual(shown(seenByStock));
      expect(seenByUs.map(({ items }) => items.map(({ type }) => type))).toMatchObject(
        sides.map((_, index) =>
          historyMode === "legacy" && index % 2 === 0
            ? ["userMessage", "fileChange", "agentMessage"]
            : ["userMessage", "commandExecution", "fileChange", "agentMessage"],
        ),
      );
    }, 120_000);

    test("is not written by both at once", async () => {
      const theirs = (await stock()).peer;
      const here = (await ours()).peer;
      await here.request("thread/resume", { threadId });
      await expect(theirs.request("thread/resume", { threadId })).rejects.toThrow("active writer");
      await stopLast();
      await theirs.request("thread/resume", { threadId });
      const again = (await ours()).peer;
      await expect(again.request("thread/resume", { threadId })).rejects.toThrow("Another program");
      await stopLast();
      await stopLast();
    }, 60_000);

    test("a name, a fork and an archiving of the stock program's are known here", async () => {
      const { peer } = await stock();
      await peer.request("thread/resume", { threadId });
      await peer.request("thread/name/set", { threadId, name: "Theirs" });
      const { thread: fork } = await peer.request<{ thread: Thread }>("thread/fork", { threadId });
      model.enqueue(say("In the fork."));
      await peer.turn(fork.id, "only here");
      await peer.request("thread/archive", { threadId });
      await stopLast();
      const here = (await ours()).peer;
      const listed = async (archived: boolean): Promise<readonly unknown[]> =>
        (await here.request<{ data: Thread[] }>("thread/list", { archived })).data.map(
          ({ id, name, preview }) => ({ id, name, preview }),
        );
      const preview = "do step 1";
      expect(await listed(false)).toEqual([{ id: fork.id, name: "Theirs", preview }]);
      expect(await listed(true)).toEqual([{ id: threadId, name: "Theirs", preview }]);
      const forked = await here.request<{ thread: Thread }>("thread/read", {
        threadId: fork.id,
        includeTurns: true,
      });
      expect(forked.thread.turns).toHaveLength(6);
      expect(forked.thread.turns.at(-1)?.items.at(-1)).toMatchObject({ text: "In the fork." });
      await here.request("thread/unarchive", { threadId });
      await stopLast();
    }, 60_000);

    test("a name, a repository, a fork and an archiving of this one's are known there", async () => {
      const database = openDatabase(":memory:");
      const store = createLocalStore({
        codexHome: join(place.home, ".codex"),
        database,
        log: { warn: () => undefined, error: () => undefined },
      });
      const source = ThreadId.parse(threadId);
      const { turns, record } = await store.load(source);
      const lastTurnId = turns[2]?.id;
      if (lastTurnId === undefined) throw new Error("five turns were written");
      await store.rename(source, "Ours");
      await store.setGitInfo(source, { sha: "abc", branch: "topic", originUrl: null });
      const id = ThreadId.parse(uuidV7());
      const meta = { ...record, id, sessionId: id, createdAtMs: Date.now() };
      await (await store.fork(source, meta, { lastTurnId })).close();
      await store.setArchived(source, true);
      await store.close();
      database.close();
      const { peer } = await stock();
      const { data } = await peer.request<{ data: unknown[] }>("thread/list", { archived: true });
      expect(data).toMatchObject([
        { id: threadId, name: "Ours", preview: "do step 1", gitInfo: { branch: "topic" } },
      ]);
      await expect(peer.request("thread/resume", { threadId })).rejects.toThrow("is archived");
      const resumed = await peer.request("thread/resume", { threadId: id });
      expect(resumed).toMatchObject({ sandbox: { type: "dangerFullAccess" } });
      model.enqueue(say("In this fork."));
      await peer.turn(id, "only in this one");
      const { thread } = await peer.request<{ thread: Thread }>("thread/read", {
        threadId: id,
        includeTurns: true,
      });
      expect(thread.turns.map((turn) => turn.id).slice(0, 3)).toEqual(
        turns.slice(0, 3).map((turn) => turn.id),
      );
      expect(thread.turns.at(-1)?.items.at(-1)).toMatchObject({ text: "In this fork." });
      const sent = JSON.stringify(model.requests.at(-1)?.body["input"]);
      for (const text of ["do step 1", "do step 3", "only in this one"]) {
        expect(sent).toContain(text);
      }
      expect(sent).not.toContain("do step 4");
      await stopLast();
    }, 60_000);
  },
);
