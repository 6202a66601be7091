/** Members of older rollouts, in the shapes that they had then. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ThreadId } from "../../../src/protocol/ids.ts";
import { RolloutDecoder } from "../../../src/store/rollout/decode.ts";
import { policyOfProfile } from "../../../src/permissions/legacy-policy.ts";
import { decodeProfile } from "../../../src/store/rollout/profile-coding.ts";
import { metaOf } from "../../contract/thread-events.ts";
import { LocalHome, linesOf } from "./local-home.ts";

const home = new LocalHome();
const id = "019a0000-0000-7000-8000-000000000001";
const at = "2026-01-02T03:04:05.000Z";
const line = (type: string, payload: object): string =>
  JSON.stringify({ timestamp: at, type, payload });

/** Before profiles said by a tag which kind they are; and what stood there before there were profiles. */
const profiles: readonly (readonly [string, object])[] = [
  ["none", {}],
  ["untagged, open", { permission_profile: { file_system: null, network: { enabled: true } } }],
  [
    "untagged, restricted",
    {
      permission_profile: {
        file_system: { kind: "restricted", entries: [{ path: "/w", access: "write" }] },
        network: { enabled: false },
      },
    },
  ],
  ["a name alone", { permission_profile: ":workspace" }],
  ["tagged", { permission_profile: { type: "managed", network: "restricted" } }],
];

describe("a turn's context is read", () => {
  test.each(profiles)("with a permission profile: %s", (_name, members) => {
    const decoder = new RolloutDecoder();
    decoder.add(line("session_meta", { id, timestamp: at, cwd: "/w", ...members }));
    const settings = { cwd: "/w", approval_policy: "never", model: "m", effort: "high" };
    const sandbox = { sandbox_policy: { type: "danger-full-access" } };
    decoder.add(line("turn_context", { ...settings, ...sandbox, ...members }));
    decoder.add(line("event_msg", { type: "user_message", message: "hello", unknown_member: 1 }));
    decoder.add(line("event_msg", { type: "agent_message", message: "hi" }));
    const { meta, turns, settings: read } = decoder.finish();
    expect(meta).toMatchObject({ id, cwd: "/w", source: "vscode", historyMode: "legacy" });
    expect(turns.map(({ status, items }) => [status, items.map(({ type }) => type)])).toEqual([
      ["completed", ["userMessage", "agentMessage"]],
    ]);
    expect(read).toMatchObject({
      model: "m",
      effort: "high",
      approvalPolicy: "never",
      permissionProfile: { type: "disabled" },
    });
  });
});

const decodeSandbox = (stored: unknown) =>
  policyOfProfile(decodeProfile({ sandbox_policy: stored }, "/w"));

test("a sandbox is known by its type, by its mode, or by its name alone", () => {
  for (const stored of [
    { type: "danger-full-access" },
    { mode: "danger-full-access" },
    "danger-full-access",
  ]) {
    expect(decodeSandbox(stored)).toEqual({ type: "dangerFullAccess" });
  }
  const workspace = { mode: "workspace-write", network_access: true, writable_roots: ["/x"] };
  expect(decodeSandbox(workspace)).toEqual({
    type: "workspaceWrite",
    writableRoots: ["/x"],
    networkAccess: true,
    excludeTmpdirEnvVar: false,
    excludeSlashTmp: false,
  });
  for (const stored of [undefined, null, 3, {}, { type: "of the future" }]) {
    expect(decodeSandbox(stored)).toEqual({ type: "readOnly", networkAccess: false });
  }
});

const event = (type: string, more: object = {}): string => line("event_msg", { type, ...more });
const asked = (message: string): string => event("user_message", { message });
const said = (message: string): string => event("agent_message", { message });
const aborted = event("turn_aborted", { reason: "interrupted" });
const begun = (turn_id: string): string => event("task_started", { turn_id });
const ended = (turn_id: string): string => event("task_complete", { turn_id });

/** The turns that stock 0.169.0 shows of the lines after the first one: id, status, items. */
const turnsWithoutIds: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  [
    "questions and answers alone",
    [asked("a"), said("b"), asked("c"), said("d")],
    ["rollout-1 completed item-1 item-2", "rollout-3 completed item-3 item-4"],
  ],
  [
    "an answer before all questions",
    [said("a"), asked("b"), aborted, asked("c")],
    ["rollout-1 completed item-1", "rollout-2 interrupted item-2", "rollout-4 completed item-3"],
  ],
  [
    "something said after an interruption",
    [asked("a"), aborted, said("b"), aborted, event("context_compacted")],
    ["rollout-1 interrupted item-1", "rollout-3 interrupted item-2", "rollout-5 completed item-3"],
  ],
  [
    "a turn taken back: its items' numbers are given again",
    [asked("a"), asked("b"), event("thread_rolled_back", { num_turns: 1 }), asked("c")],
    ["rollout-1 completed item-1", "rollout-4 completed item-2"],
  ],
  [
    "turns with ids among them",
    [asked("a"), begun("T"), asked("b"), ended("T"), said("c"), asked("d")],
    [
      "rollout-1 completed item-1",
      "T completed item-2",
      "rollout-5 completed item-3",
      "rollout-6 completed item-4",
    ],
  ],
  [
    "lines of no known kind, which do not count",
    [
      event("task_started"),
      asked("a"),
      event("of_the_future"),
      line("of_the_future", {}),
      '{"timestamp":"2026-',
      event("error", { message: "bad" }),
      asked("b"),
    ],
    ["rollout-1 completed item-1", "rollout-2 completed item-2"],
  ],
];

test.each(turnsWithoutIds)("turns that have no id in their file: %s", (_name, lines, expected) => {
  const decoder = new RolloutDecoder();
  for (const each of [line("session_meta", { id, timestamp: at }), ...lines]) decoder.add(each);
  const { turns } = decoder.finish();
  const shown = turns.map((turn) => [turn.id, turn.status, ...turn.items.map((item) => item.id)]);
  expect(shown.map((words) => words.join(" "))).toEqual(expected);
  expect(turns.map(({ rootTurnId }) => rootTurnId)).toEqual(turns.map(() => null));
});

test.each(["legacy", "paginated"] as const)(
  "a fork of a %s thread has all members of its source's lines, known or not",
  async (mode) => {
    const day = join(home.folder, "sessions/2026/01/02");
    mkdirSync(day, { recursive: true });
    const path = join(day, `rollout-2026-01-02T03-04-05-${id}.jsonl`);
    const item = { type: "UserMessage", id: "i", content: [{ type: "text", text: "q", odd: 1 }] };
    const more =
      mode === "legacy"
        ? [begun("T"), event("user_message", { message: "q", odd: { a: [1] } })]
        : [begun("T"), event("item_completed", { thread_id: id, turn_id: "T", item, odd: [2] })];
    const lines = [
      line("session_meta", { id, timestamp: at, cwd: "/w", history_mode: mode, odd: "meta" }),
      ...more,
      line("response_item", { type: "of_the_future", odd: true }),
      line("of_the_future", { odd: 3 }),
      event("task_complete", { turn_id: "T", odd: null }),
    ].map((text, ordinal) =>
      mode === "legacy" ? text : text.replace(',"type"', `,"ordinal":${ordinal},"type"`),
    );
    const text = `${lines.join("\n")}\n`;
    writeFileSync(path, text);
    const store = home.open();
    const meta = metaOf({ historyMode: mode, forkedFromId: ThreadId.parse(id) });
    await (await store.fork(ThreadId.parse(id), meta)).close();
    const [head, ...rest] = await linesOf(store.pathOf(meta) ?? "");
    expect(readFileSync(path, "utf8")).toBe(text);
    // A copy, or a first line that leans on all of the source's file.
    const { thread_id, end_byte_offset } = Object(JSON.parse(head ?? "").payload.history_base);
    const leans = thread_id === id && end_byte_offset === Buffer.byteLength(text);
    expect(leans ? [] : rest.slice(0, lines.length)).toEqual(mode === "legacy" ? lines : []);
    const { turns, modelItems } = await store.load(meta.id);
    expect(turns.map((turn) => turn.id)).toEqual(["T"]);
    expect(modelItems).toEqual([{ type: "of_the_future", odd: true }]);
  },
);
