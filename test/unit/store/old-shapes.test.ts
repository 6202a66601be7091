/** Members of older rollouts, in the shapes that they had then. */
import { describe, expect, test } from "vitest";
import { RolloutDecoder } from "../../../src/store/rollout/decode.ts";
import { decodeSandbox } from "../../../src/store/rollout/settings-coding.ts";

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
      sandboxPolicy: { type: "dangerFullAccess" },
    });
  });
});

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
