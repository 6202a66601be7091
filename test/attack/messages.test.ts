/** Once inside: what a connection asks for that is not its to ask. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { WebSocket } from "ws";
import { methods } from "../../src/features/index.ts";
import { notifications } from "../../src/protocol/notifications.ts";
import type { Role } from "../../src/protocol/principal.ts";
import { serverRequests } from "../../src/protocol/server-requests.ts";
import { HostClient } from "../helpers/running-host.ts";
import type { Sent } from "../helpers/text-frames.ts";
import { attack } from "./attack.ts";
import { codeOf, type Bench } from "./bench.ts";

type Call = readonly [method: string, params: object];

/** A call's refusal, or undefined when it was let in. */
const refusalOf = (client: HostClient, [method, params]: Call): Promise<string | undefined> =>
  client.call(method, params).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

/** Those that were let in. */
async function admittedAmong(client: HostClient, calls: readonly Call[]): Promise<readonly Call[]> {
  const refusals = await Promise.all(calls.map((call) => refusalOf(client, call)));
  return calls.filter((_call, at) => refusals[at] === undefined);
}

/** A connection that has said nothing yet. */
async function silentAs(bench: Bench, role: Role): Promise<HostClient> {
  const headers = { authorization: `Bearer ${await bench.token(role)}` };
  const url = `ws://127.0.0.1:${bench.port}/`;
  return HostClient.opened(new WebSocket(url, { headers, localAddress: bench.address }));
}

/** A thread that others can find: one message was said in it. */
async function talkedThread(client: HostClient): Promise<string> {
  const threadId = await client.startThread();
  await client.turnEnded(await client.startTurn(threadId, "what can you do?"));
  return threadId;
}

const isAsk = ({ method }: Sent): boolean => method === "item/commandExecution/requestApproval";

attack(
  "D6",
  "a viewer approves, writes to terminals, uploads, changes sandbox and approval policy",
  {
    expect: [
      { act: "approval.answer", code: "not_asked" },
      { act: "call", code: "role" },
    ],
  },
  async (bench) => {
    const operator = await bench.clientAs("operator");
    const threadId = await operator.startThread();
    const turnId = await operator.startTurn(threadId, "run `git --version`");
    const ask = await operator.until(isAsk);
    const viewer = await bench.clientAs("viewer");
    const before = await viewer.call("thread/resume", { threadId });
    const decisions = ["accept", "acceptForSession", "decline", "cancel", { accept: true }, null];
    for (const decision of decisions) viewer.answer(ask.id, { decision });
    const processId = "p";
    const open = { type: "dangerFullAccess" };
    const calls: readonly Call[] = [
      ["thread/start", { sandbox: "danger-full-access", approvalPolicy: "never" }],
      ["turn/start", { threadId, input: [], approvalPolicy: "never", sandboxPolicy: open }],
      ["turn/steer", { threadId, expectedTurnId: turnId, input: [] }],
      ["turn/interrupt", { threadId, turnId }],
      ["thread/settings/update", { threadId, approvalPolicy: "never" }],
      ["thread/settings/update", { threadId, sandboxPolicy: open }],
      ["thread/shellCommand", { threadId, command: "id" }],
      ["thread/inject_items", { threadId, items: [] }],
      ["thread/queue/add", { threadId, input: [] }],
      ["thread/archive", { threadId }],
      ["thread/name/set", { threadId, name: "mine" }],
      ["command/exec", { command: ["id"] }],
      ["command/exec", { command: ["git", "status"] }],
      ["command/exec/write", { processId, deltaBase64: "aWQK" }],
      ["command/exec/resize", { processId, size: { rows: 1, cols: 1 } }],
      ["command/exec/terminate", { processId }],
      ["fs/readFile", { path: "/etc/hostname" }],
      ["fs/readDirectory", { path: "/" }],
      ["fs/writeFile", { path: "/tmp/upload", dataBase64: "aWQK" }],
      ["fs/createDirectory", { path: "/tmp/upload" }],
      ["config/value/write", { keyPath: "sandbox_mode", value: "danger-full-access" }],
      ["farhelm/token/issue", { name: "me", role: "admin", ttlMs: 60_000 }],
      ["farhelm/pair/offer", { role: "admin" }],
      ["farhelm/devices/list", {}],
      ["farhelm/devices/revoke", { id: "x" }],
    ];
    const admitted = await admittedAmong(viewer, calls);
    // Resuming is a viewer's right; what it asks for beside that is passed over.
    const wishes = { approvalPolicy: "never", sandbox: "danger-full-access", cwd: "/" };
    const after = await viewer.call("thread/resume", { threadId, ...wishes });
    const settings = ["approvalPolicy", "sandbox", "cwd", "model"] as const;
    for (const name of settings) expect(after[name]).toEqual(before[name]);
    expect(viewer.sent.filter(isAsk)).toEqual([]);

    operator.answer(ask.id, { decision: "decline" });
    await operator.turnEnded(turnId);
    const ran = operator
      .eventsOf(threadId)
      .filter(({ method }) => method === "item/completed")
      .map(({ params }) => Object(params?.["item"]))
      .filter(({ type }) => type === "commandExecution");
    expect(ran.map(({ status }) => status)).toEqual(["declined"]);
    return { tried: calls.length + decisions.length + 1, admitted: admitted.length };
  },
);

attack(
  "D7",
  "every method before `initialize`, and `initialize` twice",
  {
    expect: [
      { act: "call", code: "not_initialized" },
      { act: "call", code: "already_initialized" },
    ],
  },
  async (bench) => {
    const client = await silentAs(bench, "admin");
    const threadId = "00000000-0000-7000-8000-000000000000";
    const calls = methods
      .filter(({ name }) => name !== "initialize")
      .map(({ name }): Call => [name, { threadId, path: "/", id: "x", command: ["id"] }]);
    const early = await admittedAmong(client, calls);
    // The notification alone initialises nothing, and without it nothing more is allowed than with it.
    client.sendText('{"method":"initialized"}');
    const unannounced = await admittedAmong(client, calls);

    const clientInfo = { name: "t", version: "1" };
    await client.call("initialize", { clientInfo });
    const again = [
      ["initialize", { clientInfo, capabilities: { experimentalApi: true } }],
      ["initialize", { clientInfo: { name: "other", version: "2" } }],
      ["initialize", { clientInfo }],
    ] as const;
    const twice = await admittedAmong(client, again);
    // What the second one asked for does not count.
    const experimental = await refusalOf(client, ["farhelm/devices/list", {}]);
    expect(experimental).toMatch(/requires experimentalApi capability/);
    const admitted = early.length + unannounced.length + twice.length;
    return { tried: calls.length * 2 + again.length, admitted, methods: calls.length };
  },
);

attack(
  "D8",
  "names that only the host says, as requests and as notifications",
  { expect: { act: "call", code: "host_only" } },
  async (bench) => {
    const operator = await bench.clientAs("operator");
    const threadId = await talkedThread(operator);
    const watcher = await bench.clientAs("admin");
    await watcher.call("thread/resume", { threadId });
    await watcher.call("thread/read", { threadId });
    const before = watcher.sent.length;
    const names = [...notifications, ...serverRequests].map(({ name }) => name);
    const params = { threadId, turnId: "x", itemId: "x", delta: "forged", decision: "accept" };
    const admitted = await admittedAmong(
      operator,
      names.map((name) => [name, params]),
    );
    for (const name of names) {
      operator.sendText(JSON.stringify({ method: name, params }));
    }
    for (const id of [0, 1, "x", "r0"]) operator.answer(id, { decision: "accept" });
    await operator.call("thread/read", { threadId });
    await watcher.call("thread/read", { threadId });
    // Nobody else heard a word of it.
    expect(watcher.sent.length - before).toBe(1);
    return { tried: names.length * 2 + 4, admitted: admitted.length, names: names.length };
  },
);

const injections: readonly object[] = [
  { sandbox: "danger-full-access" },
  { config: { sandbox_mode: "danger-full-access" } },
  { config: { "sandbox_mode ": "danger-full-access" } },
  { config: { '"sandbox_mode"': "danger-full-access" } },
  { config: { profile: "open" } },
  { config: { "profiles.open.sandbox_mode": "danger-full-access", profile: "open" } },
  { config: { approval_policy: "never" } },
  { config: { default_permissions: ":danger-full-access" } },
  { config: { permissions: { open: { type: "disabled" } } } },
  { config: { sandbox_workspace_write: { writable_roots: ["/"], network_access: true } } },
  { config: { "sandbox_workspace_write.writable_roots": ["/"] } },
  { config: { mcp_servers: { x: { command: "sh", args: ["-c", "id"] } } } },
  { config: { "mcp_servers.x.command": "sh" } },
  { config: { '"mcp_servers".x.command': "sh" } },
  { config: { notify: ["sh", "-c", "id"] } },
  { config: { hooks: { SessionStart: [{ command: "id" }] } } },
  { config: { "hooks.state": {} } },
  { config: { shell_environment_policy: { set: { LD_PRELOAD: "/tmp/x.so" } } } },
  { config: { "shell_environment_policy.set.PATH": "/tmp" } },
  { config: { model_providers: { x: { base_url: "http://127.0.0.1:1" } } } },
  { config: { "model_providers.offline.base_url": "http://127.0.0.1:1" } },
  { config: { openai_base_url: "http://127.0.0.1:1" } },
  { config: { chatgpt_base_url: "http://127.0.0.1:1" } },
  { config: { otel: { exporter: { "otlp-http": { endpoint: "http://127.0.0.1:1" } } } } },
  { config: { projects: { "/": { trust_level: "trusted" } } } },
  { config: { 'projects."/".trust_level': "trusted" } },
  { config: { plugins: {}, marketplaces: {} } },
  { config: { experimental_instructions_file: "/etc/passwd" } },
  { config: { model_instructions_file: "/etc/passwd" } },
  { config: { model_catalog_json: "/etc/passwd" } },
  { config: { log_dir: "/tmp" } },
  { config: { sqlite_home: "/tmp" } },
  { config: { forced_login_method: "api", cli_auth_credentials_store: "file" } },
  { config: { "": "x" } },
  { environments: [{ environmentId: "remote", cwd: "/" }] },
  { environments: [{ environmentId: "local", cwd: "relative" }] },
];

const policies: readonly object[] = [
  { type: "dangerFullAccess" },
  { type: "externalSandbox" },
  { type: "externalSandbox", networkAccess: "enabled" },
  { type: "workspaceWrite", writableRoots: ["/"] },
  { type: "workspaceWrite", writableRoots: ["../.."] },
  { type: "workspaceWrite", networkAccess: true },
  { type: "readOnly", networkAccess: true },
];

attack(
  "D11",
  "an operator's options of a thread and a turn: sandbox, config, MCP commands, hooks, variables",
  {
    expect: [
      { act: "call", code: "role" },
      { act: "call", code: "sandbox" },
    ],
  },
  async (bench) => {
    const operator = await bench.clientAs("operator");
    const approver = await bench.clientAs("approver");
    const threadId = await talkedThread(operator);
    const putAway = await talkedThread(operator);
    await operator.call("thread/archive", { threadId: putAway });
    await operator.call("thread/unarchive", { threadId: putAway });
    const cwd = bench.homes.cwd;
    const git = { command: ["git", "-c", "safe.bareRepository=explicit", "status"], cwd };
    // what of the client's commands runs all the same runs in the sandbox, if there is one: it must leave no mark
    const mark = join(bench.homes.root, "escaped");
    writeFileSync(join(cwd, "git"), `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
    const tricks: readonly Call[] = [
      ["command/exec", { command: ["touch", mark] }],
      [
        "command/exec",
        { ...git, env: { GIT_EXTERNAL_DIFF: `touch ${mark}`, LD_PRELOAD: "/x.so" } },
      ],
      ["command/exec", { ...git, env: { PATH: `${cwd}:/usr/bin:/bin` } }],
      ["command/exec", { ...git, env: { HOME: null, BASH_ENV: join(cwd, "git") } }],
      ["command/exec", { command: ["git", "-c", `core.fsmonitor=touch ${mark}`, "status"], cwd }],
      ["command/exec", { command: ["git", "-c", `alias.x=!touch ${mark}`, "x"], cwd }],
      ["command/exec", { command: ["git", `--exec-path=${cwd}`, "status"], cwd }],
      ["command/exec", { command: ["git", "diff", "--ext-diff"], cwd }],
    ];
    const turn = { threadId, input: [{ type: "text", text: "what can you do?" }] };
    const calls: readonly Call[] = [
      ...injections.map((options): Call => ["thread/start", options]),
      ...policies.flatMap((sandboxPolicy): readonly Call[] => [
        ["turn/start", { ...turn, sandboxPolicy }],
        ["thread/settings/update", { threadId, sandboxPolicy }],
      ]),
      ["thread/settings/update", { threadId, permissions: ":danger-full-access" }],
      ["thread/resume", { threadId: putAway, sandbox: "danger-full-access" }],
      ["thread/resume", { threadId: putAway, config: { notify: ["id"] } }],
      ["thread/fork", { threadId, sandbox: "danger-full-access" }],
      ["thread/fork", { threadId, config: { notify: ["id"] } }],
      ["command/exec", { ...git, sandboxPolicy: { type: "dangerFullAccess" }, env: { A: "b" } }],
    ];
    const admitted = [
      ...(await admittedAmong(operator, calls)),
      ...(await admittedAmong(
        approver,
        calls.filter(([name]) => name !== "thread/resume"),
      )),
    ];
    expect(admitted).toEqual([]);
    await Promise.all([operator, approver].map((client) => admittedAmong(client, tricks)));
    expect(existsSync(mark)).toBe(false);
    // A thread in memory passes over what a resume asks for. All is as it was; an operator's own choices go on working.
    for (const more of [{ sandbox: "danger-full-access" }, { config: { notify: ["id"] } }])
      await operator.call("thread/resume", { threadId, ...more });
    const view = await operator.call("thread/resume", { threadId });
    expect(view["sandbox"]).toEqual({ type: "readOnly", networkAccess: false });
    const harmless = { config: { model_reasoning_effort: "low", mcp_servers: {} }, cwd };
    await operator.call("thread/start", { ...harmless, baseInstructions: "be brief" });
    const narrow = { type: "workspaceWrite", writableRoots: [] };
    await operator.call("thread/settings/update", { threadId, sandboxPolicy: narrow });
    const admin = await bench.clientAs("admin");
    await admin.call("thread/start", { sandbox: "danger-full-access" });
    return { tried: (calls.length + tricks.length) * 2 - 2, admitted: admitted.length };
  },
);

/** Texts of params whose members are those of a prototype. */
const polluted = (threadId: string): readonly string[] => [
  `{"__proto__":{"threadId":"${threadId}","role":"admin"}}`,
  `{"constructor":{"prototype":{"polluted":1}},"prototype":{"polluted":1}}`,
  `{"threadId":{"__proto__":"${threadId}"}}`,
  `{"threadId":"__proto__"}`,
  `{"threadId":"constructor"}`,
  `{"path":"__proto__","name":"toString","id":"hasOwnProperty"}`,
  `{"config":{"__proto__":{"sandbox_mode":"danger-full-access"}}}`,
  `{"config":{"constructor.prototype.polluted":1,"__proto__.polluted":1}}`,
  `{"config":{"model":{"__proto__":{"polluted":1}}}}`,
];

attack(
  "D12",
  "`__proto__`, `constructor` and `prototype` in every method's params, in bodies and in names",
  { expect: { act: "request.refused", code: "invalid_json" } },
  async (bench) => {
    const viewer = await bench.clientAs("viewer");
    const operator = await bench.clientAs("operator");
    const threadId = await talkedThread(operator);
    const ids: string[] = [];
    for (const { name } of methods) {
      for (const [at, text] of polluted(threadId).entries()) {
        const id = `${name} ${at}`;
        ids.push(id);
        viewer.sendText(`{"id":"${id}","method":"${name}","params":${text}}`);
        operator.sendText(`{"id":"${id}","method":"${name}","params":${text}}`);
      }
    }
    for (const method of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      expect(await refusalOf(operator, [method, {}])).toMatch(/unknown method/);
    }
    operator.sendText(`{"__proto__":{"id":1,"method":"thread/list"}}`);
    const bodies = await Promise.all(
      ["pair/start", "pair/finish", "token/start", "connect/start"].flatMap((path) =>
        ['{"__proto__":{"secret":"x"}}', '{"constructor":{"prototype":{"x":1}}}'].map((body) =>
          bench.request(`/auth/${path}`, body, { headers: { "Content-Type": "application/json" } }),
        ),
      ),
    );
    expect(new Set(bodies.map(codeOf))).toEqual(new Set(["invalid_json"]));
    await operator.call("thread/list");
    await viewer.call("thread/list");
    // The host runs in this process: its prototypes are ours.
    expect(Object.keys(Object.prototype)).toEqual([]);
    for (const name of ["polluted", "role", "sandbox_mode", "threadId", "secret"])
      expect(Object.prototype).not.toHaveProperty(name);
    // Whatever was answered, nobody got more than it had.
    expect(await refusalOf(viewer, ["farhelm/devices/list", {}])).toMatch(/needs the role admin/);
    const answers = await operator.call("thread/resume", { threadId });
    expect(answers["sandbox"]).toEqual({ type: "readOnly", networkAccess: false });
    return { tried: ids.length * 2 + bodies.length + 5, admitted: 0 };
  },
);
