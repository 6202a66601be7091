import { plainWorkspace, profileForMode } from "../../../src/permissions/legacy-policy.ts";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { RolloutDecoder } from "../../../src/store/rollout/decode.ts";
import type { DecodedHistory } from "../../../src/store/rollout/decode.ts";
import { HeadReader } from "../../../src/store/rollout/head.ts";
import type { RolloutHead } from "../../../src/store/rollout/head.ts";

const fixture = (name: string): Promise<string> =>
  readFile(new URL(`fixtures/${name}`, import.meta.url), "utf8");

const linesOf = async (name: string): Promise<string[]> =>
  (await fixture(name)).trimEnd().split("\n");

/** As the index reads it: line by line, until no more are wanted. */
function headOf(lines: readonly string[]): RolloutHead | undefined {
  const reader = new HeadReader(0);
  lines.every((text) => reader.add([text]));
  return reader.head;
}

function decode(lines: Iterable<string>): DecodedHistory {
  const decoder = new RolloutDecoder();
  for (const line of lines) decoder.add(line);
  return decoder.finish();
}

const line = (type: string, payload: object): string =>
  JSON.stringify({ timestamp: "2026-01-01T00:00:00.000Z", type, payload });
const event = (payload: object): string => line("event_msg", payload);

const message = (text: string) => ({ type: "message", role: "user", content: [{ text }] });

interface ShownItem {
  readonly type: string;
  readonly id: string;
  readonly text?: string;
  readonly content?: readonly unknown[];
  readonly summary?: readonly string[];
}

interface ShownTurn {
  readonly id: string;
  readonly status: string;
  readonly items: readonly ShownItem[];
}

test("settings count also where they are all that is left of a thread", () => {
  const applied = { model: "m", model_provider_id: "p", cwd: "/srv/ws", approval_policy: "never" };
  const changed = event({ type: "thread_settings_applied", thread_settings: applied });
  expect(decode([changed]).settings).toMatchObject({
    cwd: "/srv/ws",
    model: "m",
    modelProvider: "p",
    approvalPolicy: "never",
  });
});

describe.each(["0.80.0", "0.100.0", "0.115.0", "0.128.0"])("a rollout of stock %s", (version) => {
  test("reads as stock programs show it, and as it was before once a turn is taken back", async () => {
    const lines = await linesOf(`stock-${version}.jsonl`);
    const at = lines.findLastIndex((text) => text.includes('"thread_rolled_back"'));
    const shown: ShownTurn[] = JSON.parse(await fixture(`stock-${version}-turns.json`));
    const history = decode(lines.slice(0, at));
    expect(history.turns.map(({ id }) => id)).toEqual(shown.map(({ id }) => id));
    expect(history.turns).toMatchObject(
      shown.map(({ items, status }) => ({
        status,
        items: items.map(({ type, id, text, summary }) => ({
          type,
          id,
          ...(text === undefined ? {} : { text }),
          ...(summary === undefined ? {} : { summary }),
        })),
      })),
    );
    expect(history.settings).toMatchObject({ model: "mock-model", cwd: "/srv/ws" });
    const before = decode(lines);
    expect(before.turns).toEqual(history.turns.slice(0, -1));
    const sent = JSON.stringify(before.modelItems);
    expect(sent).toContain("Success. Updated the following files");
    expect(sent).toContain("hang");
    expect(sent).not.toContain('"after"');
    expect(JSON.stringify(history.modelItems)).toContain("still here");
    expect(headOf(lines)).toMatchObject({
      preview: "hello",
      meta: { cwd: "/srv/ws", modelProvider: "mock" },
    });
  });
});

describe("a rollout of the stock server", () => {
  test("in today's form reads as that server shows it", async () => {
    const history = decode(await linesOf("paginated.jsonl"));
    const shown: unknown = JSON.parse(await fixture("paginated-turns.json"));
    expect(history.turns).toEqual(shown);
    expect(history.modelItems).toHaveLength(27);
    expect(history.modelItems[2]).toEqual({
      type: "message",
      id: "msg_01a20255-d74d-7690-bd8d-4f1c8758e01c",
      role: "user",
      content: [{ type: "input_text", text: "hello" }],
    });
    expect(history.settings).toEqual({
      cwd: "/srv/ws",
      model: "mock-model",
      modelProvider: "mock",
      effort: "high",
      summary: "none",
      approvalPolicy: "on-request",
      permissionProfile: profileForMode("workspace-write", plainWorkspace),
    });
    expect(history.usage?.total).toEqual({
      totalTokens: 1300,
      inputTokens: 1000,
      cachedInputTokens: 200,
      cacheWriteInputTokens: 0,
      outputTokens: 300,
      reasoningOutputTokens: 50,
    });
    expect(history.usageTurnId).toBe(history.turns.at(-1)?.id);
    expect(history.meta).toMatchObject({ historyMode: "paginated", originator: "probe" });
  });

  test("in the older form reads as that server shows it", async () => {
    const history = decode(await linesOf("legacy.jsonl"));
    const shown: unknown = JSON.parse(await fixture("legacy-turns.json"));
    expect(history.turns).toMatchObject(JSON.parse(JSON.stringify(shown)));
    expect(history.turns[0]?.items.map(({ id }) => id)).toEqual(["item-1", "item-2", "item-3"]);
    expect(history.meta?.historyMode).toBe("legacy");
    expect(history.settings).toMatchObject({ effort: "high", modelProvider: "mock" });
  });

  test.each(["paginated.jsonl", "legacy.jsonl"])("%s: the head tells the preview", async (name) => {
    const head = headOf(await linesOf(name));
    expect(head).toMatchObject({ preview: "hello", model: "mock-model", effort: "high" });
  });
});

describe("a rollout that was damaged or written by others", () => {
  test("keeps what is readable around torn and unknown lines", async () => {
    const lines = await linesOf("paginated.jsonl");
    const whole = decode(lines);
    const damaged = lines.flatMap((text) => [
      text,
      text.slice(0, text.length / 2),
      "",
      "null",
      line("brand_new", { type: "x" }),
      event({ type: "brand_new_event" }),
    ]);
    expect(decode(damaged)).toEqual(whole);
  });

  test("cut anywhere reads as far as it goes, its last turn interrupted", async () => {
    const lines = await linesOf("paginated.jsonl");
    for (let end = 1; end < lines.length; end += 1) {
      const { turns } = decode(lines.slice(0, end));
      expect(turns.every(({ status }) => status !== "inProgress")).toBe(true);
    }
    expect(decode(lines.slice(0, 9)).turns).toMatchObject([{ status: "interrupted" }]);
  });

  test("without turn events: a message from a person begins a turn", () => {
    const { turns } = decode([
      event({ type: "user_message", message: "one" }),
      event({ type: "agent_message", message: "first" }),
      event({ type: "user_message", message: "two" }),
    ]);
    expect(turns.map(({ items }) => items.length)).toEqual([2, 1]);
  });

  test("older command and patch events become items", () => {
    const { turns } = decode([
      event({ type: "task_started", turn_id: "t1" }),
      event({
        type: "exec_command_end",
        call_id: "c1",
        command: ["bash", "-lc", "ls"],
        cwd: "/w",
        parsed_cmd: [{ type: "read", cmd: "cat a", name: "a", path: "a" }],
        aggregated_output: "x",
        exit_code: 0,
        duration: { secs: 1, nanos: 2_000_000 },
      }),
      event({
        type: "patch_apply_end",
        call_id: "c2",
        success: false,
        changes: { "/w/a": { update: { unified_diff: "@@", move_path: null } } },
      }),
      event({ type: "turn_aborted", turn_id: "t1", reason: "interrupted" }),
    ]);
    expect(turns[0]?.items).toMatchObject([
      {
        type: "commandExecution",
        id: "c1",
        command: "bash -lc ls",
        durationMs: 1002,
        commandActions: [{ type: "read", command: "cat a", name: "a", path: "/w/a" }],
      },
      {
        type: "fileChange",
        id: "c2",
        status: "failed",
        changes: [{ path: "/w/a", kind: { type: "update", move_path: null }, diff: "@@" }],
      },
    ]);
  });

  test("a compaction replaces what the model is sent, a rollback takes turns back", () => {
    const turn = (id: string) => [
      event({ type: "task_started", turn_id: id }),
      line("response_item", message(id)),
      event({ type: "task_complete", turn_id: id }),
    ];
    const compacted = decode([
      ...turn("t1"),
      line("compacted", { message: "", replacement_history: [message("short")] }),
      ...turn("t2"),
    ]);
    expect(compacted.modelItems).toEqual([message("short"), message("t2")]);
    const back = decode([
      ...turn("t1"),
      ...turn("t2"),
      event({ type: "thread_rolled_back", num_turns: 1 }),
    ]);
    expect(back.turns.map(({ id }) => id)).toEqual(["t1"]);
    expect(back.modelItems).toEqual([message("t1")]);
  });
});

describe("the preview", () => {
  const meta = line("session_meta", { id: "t", timestamp: "2026-01-01T00:00:00Z", cwd: "/w" });
  const preview = (...lines: string[]) => headOf([meta, ...lines])?.preview;

  test("is not taken from instructions that only the model sees", () => {
    const wrapper = { type: "message", role: "user", content: [{ text: "<environment_context>" }] };
    expect(preview(line("response_item", wrapper))).toBe("");
  });

  test("says that only a picture was sent", () => {
    expect(preview(event({ type: "user_message", message: "", images: ["data:x"] }))).toBe(
      "[Image]",
    );
  });

  test("is cut between characters", () => {
    const text = `${"x".repeat(999)}😀tail`;
    expect(preview(event({ type: "user_message", message: text }))).toBe("x".repeat(999));
  });

  test("a file that names no thread has no head", () => {
    expect(headOf(["not json"])).toBeUndefined();
    expect(headOf([line("session_meta", { cwd: "/w" })])).toBeUndefined();
  });
});
