import { homedir } from "node:os";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { standardEnvironment } from "../../../src/permissions/shell-environment.ts";
import { createConfigReader } from "../../../src/config/config-reader.ts";
import { ConfigError } from "../../../src/config/port.ts";

let home: string;
let file: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "farhelm-config-"));
  file = join(home, "config.toml");
});

afterEach(() => rmSync(home, { recursive: true }));

const reader = (...sessionFlags: readonly string[]) =>
  createConfigReader({ codexHome: home, sessionFlags, systemFolder: join(home, "etc") });

const store = (text: string): void => writeFileSync(file, text);

const reason = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
};

describe("config.toml", () => {
  it("may be missing: everything has a default", () => {
    expect(reader().read()).toEqual({
      model: null,
      modelProvider: null,
      modelReasoningEffort: null,
      modelReasoningSummary: null,
      chatgptBaseUrl: "https://chatgpt.com/backend-api/",
      providers: new Map(),
      approvalPolicy: null,
      sandboxMode: null,
      environmentPolicy: standardEnvironment,
      defaultPermissions: null,
      permissionTables: { tables: undefined, home: homedir() },
      workspaceWrite: {
        writableRoots: [],
        networkAccess: false,
        excludeTmpdirEnvVar: false,
        excludeSlashTmp: false,
      },
      projects: new Map(),
      trustLevel: null,
      defaultApprovalPolicy: "on-request",
      defaultSandboxMode: "read-only",
      requirements: expect.objectContaining({ listing: null }),
      notices: [],
      developerInstructions: null,
      projectDocMaxBytes: 32_768,
      projectRootMarkers: [".git"],
      goals: true,
      permissionTools: { isRequestable: false, isPerCommand: false },
      threadUnloadDelayMs: 1_800_000,
      raw: {},
    });
  });

  it("is read as Codex reads it", () => {
    store(`
model = "m"
chatgpt_base_url = "http://127.0.0.1:9/backend-api"
model_provider = "mock"
approval_policy = "on-request"
sandbox_mode = "workspace-write"
[sandbox_workspace_write]
writable_roots = ["/data"]
network_access = true
[projects."/home/me/a.b"]
trust_level = "trusted"
[projects."/home/me/c"]
trust_level = "untrusted"
[model_providers.mock]
name = "Mock"
base_url = "http://127.0.0.1:1/v1/"
env_key = "MOCK_KEY"
http_headers = { x-a = "1" }
env_http_headers = { x-b = "B" }
query_params = { v = "2" }
request_max_retries = 0
stream_max_retries = 1000
`);
    const config = reader().read();
    expect({ ...config, raw: undefined }).toEqual({
      model: "m",
      modelProvider: "mock",
      modelReasoningEffort: null,
      modelReasoningSummary: null,
      chatgptBaseUrl: "http://127.0.0.1:9/backend-api",
      providers: new Map([
        [
          "mock",
          {
            id: "mock",
            name: "Mock",
            baseUrl: "http://127.0.0.1:1/v1",
            wireApi: "responses",
            envKey: "MOCK_KEY",
            envKeyInstructions: null,
            requiresOpenaiAuth: false,
            httpHeaders: { "x-a": "1" },
            envHttpHeaders: { "x-b": "B" },
            queryParams: { v: "2" },
            requestMaxRetries: 0,
            streamMaxRetries: 100,
            streamIdleTimeoutMs: 300_000,
          },
        ],
      ]),
      approvalPolicy: "on-request",
      sandboxMode: "workspace-write",
      environmentPolicy: { ...standardEnvironment, secretNames: ["MOCK_KEY", "B"] },
      defaultPermissions: null,
      permissionTables: { tables: undefined, home: homedir() },
      workspaceWrite: {
        writableRoots: ["/data"],
        networkAccess: true,
        excludeTmpdirEnvVar: false,
        excludeSlashTmp: false,
      },
      projects: new Map([
        ["/home/me/a.b", "trusted"],
        ["/home/me/c", "untrusted"],
      ]),
      trustLevel: null,
      defaultApprovalPolicy: "on-request",
      defaultSandboxMode: "read-only",
      requirements: expect.objectContaining({ listing: null }),
      notices: [],
      developerInstructions: null,
      projectDocMaxBytes: 32_768,
      projectRootMarkers: [".git"],
      goals: true,
      permissionTools: { isRequestable: false, isPerCommand: false },
      threadUnloadDelayMs: 1_800_000,
      raw: undefined,
    });
  });

  it("is parsed once while it stays the same, and again when it changed", () => {
    store('model = "a"\n');
    const made = reader();
    const first = made.read();
    expect(made.read()).toBe(first);
    store('model = "other"\n');
    expect(made.read().model).toBe("other");
    rmSync(file);
    expect(made.read().model).toBeNull();
  });

  it.each([
    ["model = \n", ":1:9: string values must be quoted, expected literal string"],
    ["model = gpt\n", ":1:9: string values must be quoted, expected literal string"],
    ["[x\n", ":1:3: unclosed table, expected `]`"],
    ["a = 1\na = 2\n", ":2:1: duplicate key"],
    ["model = 5\n", ":1:9: invalid type: integer `5`, expected a string"],
    [
      '# c\napproval_policy = "sometimes"\n',
      ":2:19: unknown variant `sometimes`, expected one of `untrusted`, `on-failure`, `on-request`, `granular`, `never`",
    ],
    [
      'sandbox_mode = "x"\n',
      ":1:16: unknown variant `x`, expected one of `read-only`, `workspace-write`, `danger-full-access`",
    ],
    ["[model_providers.x]\nname = 1\n", ":2:8: invalid type: integer `1`, expected a string"],
    [
      '[projects."/a"]\ntrust_level = "maybe"\n',
      ":2:15: unknown variant `maybe`, expected `trusted` or `untrusted`",
    ],
    [
      '[model_providers.openai]\nname = "x"\n',
      ":1:2: model_providers contains reserved built-in provider IDs: `openai`. Built-in providers cannot be overridden. Rename your custom provider (for example, `openai-custom`).",
    ],
    [
      '[model_providers.x]\nwire_api = "chat"\n',
      ':2:12: `wire_api = "chat"` is no longer supported. Set `wire_api = "responses"` for this provider.',
    ],
    [
      'approval_policy = "untrusted"\n',
      ':1:19: approval_policy = "untrusted" is no longer supported; remove this setting',
    ],
  ])("%j is refused with its place", (text, message) => {
    store(text);
    expect(reason(() => reader().read())).toBe(file + message);
  });

  it("keeps no key that could reach a prototype", () => {
    store("[__proto__]\npolluted = 1\n[model_providers.constructor]\nname = 'c'\n");
    const config = reader().read();
    expect(Object.keys(config.raw)).toEqual(["model_providers"]);
    expect([...config.providers.keys()]).toEqual([]);
    expect("polluted" in {}).toBe(false);
  });
});

describe("-c", () => {
  it("overrides single keys, as TOML or else as text", () => {
    store('model = "a"\n[model_providers.x]\nname = "X"\nbase_url = "http://a/v1"\n');
    const config = reader(
      "model=gpt foo",
      "model_providers.x.base_url=http://b/v1",
      'sandbox_workspace_write.writable_roots=["/a"]',
      'projects."/x.y".trust_level="trusted"',
      "project_doc_max_bytes=7",
      "sandbox_mode='read-only'",
    ).read();
    expect(config.model).toBe("gpt foo");
    expect(config.providers.get("x")).toMatchObject({ name: "X", baseUrl: "http://b/v1" });
    expect(config.workspaceWrite.writableRoots).toEqual(["/a"]);
    expect(config.projects).toEqual(new Map([["/x.y", "trusted"]]));
    expect(config.projectDocMaxBytes).toBe(7);
    expect(config.sandboxMode).toBe("read-only");
  });

  it.each([
    [
      "novalue",
      "error parsing -c overrides: Invalid override (missing '='): novalue. Write it as -c key=value.",
    ],
    [
      "=3",
      "error parsing -c overrides: Empty key in override: =3. Write it as -c key=value, for example -c model_providers.mine.base_url=URL.",
    ],
    [
      "a..b=3",
      "error parsing -c overrides: Empty or unclosed segment in the key of: a..b=3. Write it as -c key=value, for example -c model_providers.mine.base_url=URL.",
    ],
  ])("%j is refused at once", (flag, message) => {
    expect(reason(() => reader(flag))).toBe(message);
  });

  it("with a wrong value is refused by its key", () => {
    expect(reason(() => reader("model=5").read())).toBe(
      "-c model: invalid type: integer `5`, expected a string",
    );
  });
});

describe("a thread's overrides", () => {
  it("lie over everything and change nothing for others", () => {
    store('model = "a"\n');
    const made = reader("model=b");
    expect(made.read({ model: "c", "sandbox_workspace_write.network_access": true })).toMatchObject(
      { model: "c", workspaceWrite: { networkAccess: true } },
    );
    expect(made.read()).toMatchObject({ model: "b", workspaceWrite: { networkAccess: false } });
  });

  it("with a wrong value are refused by their key", () => {
    expect(reason(() => reader().read({ approval_policy: 5 }))).toBe(
      "invalid type: integer `5`, expected a string\nin `approval_policy`\n",
    );
  });
});

describe("layers", () => {
  it("come strongest first, with versions, and tell where each key comes from", () => {
    store('model = "a"\n[model_providers.x]\nname = "X"\n');
    const { layers, origins } = reader("model=b").layers();
    const user = {
      name: { type: "user", file, profile: null },
      version: "sha256:966fcfc681c3fe749614c5e1daada1ed47adad4c28e6ac46cda8cf9dde653e47",
    };
    const flags = {
      name: { type: "sessionFlags" },
      version: "sha256:8ee01bdc7953d35f198ea5c44709cdfda45a6daa12cc49bbc0555b1814a34c45",
    };
    expect(layers).toEqual([
      { ...flags, config: { model: "b" }, disabledReason: null },
      {
        ...user,
        config: { model: "a", model_providers: { x: { name: "X" } } },
        disabledReason: null,
      },
      {
        name: { type: "system", file: join(home, "etc", "config.toml") },
        disabledReason: null,
        version: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        config: {},
      },
    ]);
    expect(origins).toEqual({ model: flags, "model_providers.x.name": user });
  });

  it("have the versions that the stock server computes", () => {
    store('model="gpt-5.5"\n');
    expect(reader().layers().layers[0]?.version).toBe(
      "sha256:6141a846e452e13390291a6d4b09aee17d957c64fa4efd31ce70c67e68e9122d",
    );
  });
});
