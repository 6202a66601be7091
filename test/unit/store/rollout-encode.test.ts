import { profileOfPolicy } from "../../../src/permissions/legacy-policy.ts";
import { accessTo, pathRules } from "../../../src/permissions/path-access.ts";
import type { PermissionProfile } from "../../../src/protocol/permission-profile.ts";
import { describe, expect, test } from "vitest";
import { ItemId, ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import type { CommandExecutionItem, ThreadItem } from "../../../src/protocol/item.ts";
import type { SandboxPolicy } from "../../../src/protocol/settings.ts";
import type { HistoryEvent } from "../../../src/store/port.ts";
import { RolloutDecoder } from "../../../src/store/rollout/decode.ts";
import { encodeEvents, encodeHead, freshState } from "../../../src/store/rollout/encode.ts";
import { metaOf, settings } from "../../contract/thread-events.ts";

const nowMs = Date.parse("2026-03-01T10:00:00.500Z");
const turnId = TurnId.parse("01a00000-0000-7000-8000-000000000001");
const threadId = ThreadId.parse("01a00000-0000-7000-8000-000000000000");
const id = (text: string) => ItemId.parse(text);
const times = { startedAtMs: nowMs, completedAtMs: nowMs + 7 };

const command: CommandExecutionItem = {
  type: "commandExecution",
  id: id("c"),
  pluginId: null,
  scriptPath: null,
  command: "/bin/bash -lc 'ls -la'",
  cwd: "/w with space",
  processId: "7",
  source: "unifiedExecStartup",
  status: "declined",
  commandActions: [
    { type: "listFiles", command: "ls -la", path: null },
    { type: "search", command: "grep x", query: "x", path: "." },
    { type: "unknown", command: "y" },
  ],
  aggregatedOutput: null,
  exitCode: null,
  durationMs: 1234,
  ...times,
};

const items: readonly ThreadItem[] = [
  {
    type: "userMessage",
    id: id("u"),
    clientId: "mine",
    content: [
      { type: "text", text: "hi", text_elements: [] },
      { type: "image", detail: null, url: "data:x" },
      { type: "localImage", detail: null, path: "/w/i.png" },
      { type: "mention", name: "m", path: "/w/m" },
    ],
    ...times,
  },
  { type: "reasoning", id: id("r"), summary: ["a", "b"], content: ["c"], ...times },
  {
    type: "agentMessage",
    moderation: null,
    id: id("m"),
    text: "hello",
    phase: "final_answer",
    memoryCitation: null,
    delivery: null,
    questions: null,
    ...times,
  },
  command,
  {
    type: "fileChange",
    id: id("f"),
    changes: [
      { path: "/w/a", kind: { type: "add" }, diff: "x\n" },
      { path: "/w/b", kind: { type: "delete" }, diff: "y\n" },
      {
        path: "/w/c",
        kind: { type: "update", move_path: "/w/d" },
        diff: "@@ -1 +1 @@\n-a\n+b\n\n\nMoved to: /w/d",
      },
    ],
    status: "inProgress",
    ...times,
  },
  { type: "imageView", id: id("i"), path: "/w/i.png", ...times },
  { type: "webSearch", id: id("w"), query: "q", savedPath: "/x", ...times },
];

function decodeLines(lines: readonly string[]) {
  const decoder = new RolloutDecoder();
  for (const line of lines) decoder.add(line);
  return decoder.finish();
}

const encode = (events: readonly HistoryEvent[], form: "paginated" | "legacy" = "paginated") =>
  encodeEvents(freshState(threadId, form), events, nowMs).lines;

const rules = (profile: PermissionProfile) =>
  pathRules(profile, {
    places: { cwd: "/srv/work", workspaceRoots: ["/srv/work"], tmpdir: "/t" },
    realPath: (path) => path,
  });

describe("what is written is read again", () => {
  test.each(items.map((item) => [item.type, item] as const))("%s", (_type, item) => {
    const { turns } = decodeLines(encode([{ kind: "itemCompleted", turnId, item }]));
    expect(turns[0]?.items).toEqual([item]);
  });

  test("a command line whose words alone would not give it back", () => {
    const item = { ...command, command: `echo   "a` };
    const { turns } = decodeLines(encode([{ kind: "itemCompleted", turnId, item }]));
    expect(turns[0]?.items).toEqual([item]);
  });

  test.each<SandboxPolicy>([
    { type: "dangerFullAccess" },
    { type: "readOnly", networkAccess: false },
    { type: "readOnly", networkAccess: true },
    { type: "externalSandbox", networkAccess: "enabled" },
    {
      type: "workspaceWrite",
      writableRoots: ["/x"],
      networkAccess: true,
      excludeTmpdirEnvVar: true,
      excludeSlashTmp: false,
    },
  ])("settings with the sandbox %j", (sandboxPolicy) => {
    const granular = {
      granular: {
        sandbox_approval: true,
        rules: true,
        skill_approval: false,
        request_permissions: false,
        mcp_elicitations: true,
      },
    };
    const permissionProfile = profileOfPolicy(sandboxPolicy);
    const mine = { ...settings, permissionProfile, approvalPolicy: granular, effort: null };
    const lines = encode([{ kind: "turnSettings", turnId, settings: mine }]);
    expect(decodeLines(lines).settings).toEqual(mine);
  });

  test("choices come from the line that says them last", () => {
    const choices = {
      serviceTier: "flex",
      personality: "friendly",
      disabledPluginIds: ["a"],
      mode: "plan" as const,
      modeInstructions: "plan it",
    };
    const first = { kind: "turnSettings" as const, turnId, settings: { ...settings, choices } };
    expect(decodeLines(encode([first])).settings).toEqual({ ...settings, choices });
    const later = { ...choices, serviceTier: "default", mode: "default" as const };
    const changed = { ...settings, choices: later };
    expect(decodeLines(encode([first, { kind: "settings", settings: changed }])).settings).toEqual(
      changed,
    );
    const again = [first, { ...first, turnId: TurnId.parse("t-again") }];
    expect(decodeLines(encode(again)).settings).toEqual({ ...settings, choices });
  });

  test.each<PermissionProfile>([
    { type: "external", network: { enabled: false } },
    { type: "managed", fileSystem: { type: "unrestricted" }, network: { enabled: true } },
    {
      type: "managed",
      fileSystem: {
        type: "restricted",
        entries: [
          { path: { type: "special", value: { kind: "minimal" } }, access: "read" },
          {
            path: { type: "special", value: { kind: "project_roots", subpath: null } },
            access: "write",
          },
          {
            path: { type: "special", value: { kind: "project_roots", subpath: "docs" } },
            access: "read",
          },
          { path: { type: "path", path: "/srv/secret" }, access: "none" },
          { path: { type: "glob_pattern", pattern: "/srv/**/*.env" }, access: "none" },
          {
            path: { type: "special", value: { kind: "unknown", path: ":later", subpath: "x" } },
            access: "read",
          },
        ],
        globScanMaxDepth: 3,
      },
      network: { enabled: false },
    },
  ])("settings with the permissions %j", (permissionProfile) => {
    const mine = { ...settings, permissionProfile };
    const lines = encode([{ kind: "turnSettings", turnId, settings: mine }]);
    const { permissionProfile: read } = decodeLines(lines).settings ?? settings;
    const probes = [
      "/srv/work/a",
      "/srv/work/docs/a",
      "/srv/work/.git/a",
      "/srv/secret/a",
      "/srv/x/.env",
    ];
    const accesses = (profile: PermissionProfile) =>
      probes.map((path) => accessTo(path, rules(profile)));
    expect(accesses(read)).toEqual(accesses(permissionProfile));
    const again = encode([
      { kind: "turnSettings", turnId, settings: { ...mine, permissionProfile: read } },
    ]);
    expect(decodeLines(again).settings).toEqual({ ...mine, permissionProfile: read });
  });

  test("a failed turn keeps its error, with and without an end", () => {
    const error = {
      message: "boom",
      codexErrorInfo: { httpConnectionFailed: { httpStatusCode: 500 } },
      additionalDetails: "more",
      misalignment: null,
    };
    const events: HistoryEvent[] = [
      { kind: "turnStarted", turnId, startedAtMs: 1000 },
      { kind: "turnError", turnId, error },
      {
        kind: "turnEnded",
        turnId,
        status: "failed",
        startedAtMs: 1000,
        completedAtMs: 3500,
        lastAgentMessage: null,
      },
    ];
    const turn = { id: turnId, rootTurnId: turnId, items: [], itemsView: "full", error };
    expect(decodeLines(encode(events)).turns).toEqual([
      { ...turn, status: "failed", startedAt: 1, completedAt: 3, durationMs: 2500 },
    ]);
    expect(decodeLines(encode(events.slice(0, 2))).turns).toEqual([
      { ...turn, status: "interrupted", startedAt: 1, completedAt: null, durationMs: null },
    ]);
  });

  test("the thread's own facts", () => {
    const meta = metaOf({ id: threadId, source: "appServer", baseInstructions: "Be brief." });
    const { lines } = encodeHead(freshState(threadId, "paginated"), meta, nowMs);
    expect(decodeLines(lines).meta).toEqual(meta);
  });
});

describe("the lines", () => {
  test("carry rising ordinals and one time", () => {
    const state = { ...freshState(threadId, "paginated"), nextOrdinal: 41 };
    const encoded = encodeEvents(
      state,
      [
        { kind: "turnStarted", turnId, startedAtMs: nowMs },
        { kind: "modelItem", turnId, item: { type: "message", role: "user", content: [] } },
      ],
      nowMs,
    );
    expect(encoded.state.nextOrdinal).toBe(43);
    expect(encoded.lines.map((line): unknown => JSON.parse(line))).toEqual([
      {
        timestamp: "2026-03-01T10:00:00.500Z",
        ordinal: 41,
        type: "event_msg",
        payload: {
          type: "task_started",
          turn_attribution: {
            turn_id: turnId,
            turn_trigger: null,
            parent_turn_id: null,
            initiating_agent_path: null,
            root_turn_id: turnId,
          },
          turn_id: turnId,
          root_turn_id: turnId,
          started_at: 1772359200,
          model_context_window: null,
          collaboration_mode_kind: "default",
        },
      },
      {
        timestamp: "2026-03-01T10:00:00.500Z",
        ordinal: 42,
        type: "response_item",
        payload: {
          type: "message",
          role: "user",
          content: [],
          internal_chat_message_metadata_passthrough: { turn_id: turnId },
        },
      },
    ]);
  });

  test("say settings again only when they changed", () => {
    const entry: HistoryEvent = { kind: "turnSettings", turnId, settings };
    const types = encode([entry, entry]).map((line) => {
      const { type }: { type: string } = JSON.parse(line);
      return type;
    });
    expect(types).toEqual(["turn_context", "event_msg", "turn_context"]);
  });

  test("of the older form hold no ordinals and one event per thing", () => {
    const lines = encode(
      items.map((item) => ({ kind: "itemCompleted", turnId, item })),
      "legacy",
    ).map((line): { ordinal?: number; payload: { type: string } } => JSON.parse(line));
    expect(lines.some(({ ordinal }) => ordinal !== undefined)).toBe(false);
    expect(lines.map(({ payload }) => payload.type)).toEqual([
      "user_message",
      "agent_reasoning",
      "agent_reasoning",
      "agent_reasoning_raw_content",
      "agent_message",
      "exec_command_end",
      "patch_apply_end",
      "view_image_tool_call",
    ]);
  });

  test("of the older form are read again", () => {
    const events: HistoryEvent[] = [
      { kind: "turnStarted", turnId, startedAtMs: nowMs },
      ...items.map((item): HistoryEvent => ({ kind: "itemCompleted", turnId, item })),
    ];
    const { turns } = decodeLines(encode(events, "legacy"));
    expect(turns[0]?.items.map(({ type }) => type)).toEqual([
      "userMessage",
      "reasoning",
      "agentMessage",
      "commandExecution",
      "fileChange",
      "imageView",
    ]);
    expect(turns[0]?.items[1]).toMatchObject({ summary: ["a", "b"], content: ["c"] });
  });
});
