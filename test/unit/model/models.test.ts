import { createServer } from "node:http";
import type { Server } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import type { Accounts } from "../../../src/accounts/port.ts";
import { decodeConfig } from "../../../src/config/decode-config.ts";
import type { ConfigReader } from "../../../src/config/port.ts";
import { openaiProvider } from "../../../src/model/builtin-providers.ts";
import { createModels } from "../../../src/model/models.ts";
import type { LocalServer } from "../../../src/model/local-servers.ts";
import { fixedAccounts, withKey } from "../../helpers/fixed-accounts.ts";

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  }
});

const account = (hasKey: boolean): Accounts => (hasKey ? withKey("sk-1") : fixedAccounts());

const reader = (raw: Readonly<Record<string, unknown>>): ConfigReader => {
  const config = decodeConfig(raw);
  return {
    read: () => config,
    layers: () => ({ config: {}, layers: [], origins: {} }),
    requirements: () => config.requirements,
    features: () => [],
    switchFeatures: () => ({}),
  };
};

function models(
  raw: Readonly<Record<string, unknown>>,
  { key = false, localServers = [] }: { key?: boolean; localServers?: readonly LocalServer[] } = {},
) {
  const warnings: unknown[] = [];
  const made = createModels({
    config: reader(raw),
    accounts: account(key),
    log: { warn: (event, facts) => void warnings.push([event, facts]) },
    env: {},
    localServers,
  });
  return { made, warnings };
}

describe("the address of OpenAI's endpoint", () => {
  const own = { openai_base_url: "http://127.0.0.1:9/v1/" };
  const moved = { chatgpt_base_url: "http://127.0.0.1:9/backend-api" };
  it.each([
    ["for an API key", {}, {}, false, "https://api.openai.com/v1"],
    ["for the Codex backend's logins", {}, {}, true, "https://chatgpt.com/backend-api/codex"],
    [
      "which chatgpt_base_url does not move",
      moved,
      {},
      true,
      "https://chatgpt.com/backend-api/codex",
    ],
    ["as config.toml says", own, { OPENAI_BASE_URL: "http://b" }, true, "http://127.0.0.1:9/v1"],
    ["as the environment says", {}, { OPENAI_BASE_URL: "http://b/" }, true, "http://b"],
  ])("%s", (_what, raw, env, usesCodexBackend, address) => {
    expect(openaiProvider(decodeConfig(raw), env, usesCodexBackend).baseUrl).toBe(address);
  });
});

const MOCK = { model_providers: { mock: { name: "Mock", base_url: "http://127.0.0.1:9/v1/" } } };

describe("defaults", () => {
  it.each([
    ["nothing at all", {}, false, "offline", "offline"],
    ["a key", {}, true, "openai", "gpt-6.1-sol"],
    ["a model without a provider", { model: "gpt-5.5" }, false, "openai", "gpt-5.5"],
    ["the offline model", { model: "offline" }, true, "offline", "offline"],
    ["both", { ...MOCK, model: "m", model_provider: "mock" }, true, "mock", "m"],
    ["a local provider", { model_provider: "ollama" }, false, "ollama", "gpt-oss:20b"],
  ])("with %s", (_what, raw, key, modelProvider, model) => {
    expect(models(raw, { key }).made.defaults()).toEqual({ modelProvider, model });
  });
});

describe("provider", () => {
  it("is the same object until its configuration changes", () => {
    const { made } = models(MOCK);
    expect(made.provider("mock")).toBe(made.provider("mock"));
    expect(made.provider("mock").name).toBe("Mock");
    expect(made.provider("offline").name).toBe("Offline agent (built in)");
    expect(made.provider("openai").id).toBe("openai");
    made.close();
  });

  it("that is not known is refused with the known ones", () => {
    expect(() => models(MOCK).made.provider("nope")).toThrow(
      "Model provider `nope` not found. Describe it under [model_providers.nope] in config.toml, or use one of: mock, openai, offline.",
    );
  });

  it("knows gpt models and falls back for others", () => {
    const provider = models(MOCK).made.provider("mock");
    expect(provider.metadata("gpt-6.1-sol")).toEqual({
      contextWindow: 258_400,
      known: true,
      offersPatchTool: true,
      defaultEffort: "low",
    });
    expect(provider.metadata("mock-model")).toEqual({
      contextWindow: 258_400,
      known: false,
      offersPatchTool: false,
      defaultEffort: null,
    });
  });
});

async function localServer(
  id: LocalServer["id"],
  path: string,
  body: unknown,
): Promise<{ server: LocalServer; asked: () => number }> {
  let asked = 0;
  const http = createServer((request, response) => {
    asked++;
    response.statusCode = request.url === path ? 200 : 404;
    response.end(JSON.stringify(body));
  });
  servers.push(http);
  await new Promise<void>((resolve) => {
    http.listen(0, "127.0.0.1", resolve);
  });
  const address = http.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return {
    server: { id, name: id, origin: `http://127.0.0.1:${port}` },
    asked: () => asked,
  };
}

const brief = async (made: ReturnType<typeof createModels>) =>
  (await made.list()).map(({ id, isDefault, modelProvider }) => [id, isDefault, modelProvider]);

describe("the list", () => {
  it("without key and config is the offline agent, labelled so", async () => {
    const [row, ...more] = await models({}).made.list();
    expect(more).toEqual([]);
    expect(row).toMatchObject({
      id: "offline",
      displayName: "Offline agent (built in)",
      isDefault: true,
      hidden: false,
    });
  });

  it("with a key holds OpenAI's models: nine to see, one default", async () => {
    const rows = await models({}, { key: true }).made.list();
    expect(rows.filter(({ hidden }) => !hidden)).toHaveLength(9);
    expect(rows.filter(({ isDefault }) => isDefault).map(({ id }) => id)).toEqual(["gpt-6.1-sol"]);
    for (const { efforts, defaultEffort } of rows)
      expect(efforts.map(({ effort }) => effort)).toContain(defaultEffort);
  });

  it("begins with the configured model of another provider", async () => {
    const { made } = models({ ...MOCK, model: "m", model_provider: "mock" });
    expect(await brief(made)).toEqual([["m", true, undefined]]);
  });

  it("offers what Ollama and LM Studio serve, and asks them once", async () => {
    const ollama = await localServer("ollama", "/api/tags", { models: [{ name: "llama3:8b" }] });
    const studio = await localServer("lmstudio", "/v1/models", { data: [{ id: "qwen" }, {}] });
    const { made } = models({}, { localServers: [ollama.server, studio.server] });
    const expected = [
      ["offline", true, undefined],
      ["llama3:8b", false, "ollama"],
      ["qwen", false, "lmstudio"],
    ];
    expect(await brief(made)).toEqual(expected);
    expect(await brief(made)).toEqual(expected);
    expect([ollama.asked(), studio.asked()]).toEqual([1, 1]);
  });

  it("does without a local server that is silent or talks nonsense", async () => {
    const nonsense = await localServer("ollama", "/api/tags", "nonsense");
    const silent = createServer(() => {});
    servers.push(silent);
    await new Promise<void>((resolve) => {
      silent.listen(0, "127.0.0.1", resolve);
    });
    const address = silent.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    const lmstudio = {
      id: "lmstudio" as const,
      name: "LM Studio",
      origin: `http://127.0.0.1:${port}`,
    };
    const { made } = models({}, { localServers: [nonsense.server, lmstudio] });
    expect(await brief(made)).toEqual([["offline", true, undefined]]);
  });
});

it("a login that cannot be used is named once in the log", () => {
  const warnings: unknown[] = [];
  createModels({
    config: reader({}),
    accounts: fixedAccounts({ fault: () => "The ChatGPT login in auth.json has expired." }),
    log: { warn: (event, facts) => void warnings.push([event, facts]) },
    env: {},
  });
  expect(warnings).toEqual([
    ["login not usable", { reason: "The ChatGPT login in auth.json has expired." }],
  ]);
});
